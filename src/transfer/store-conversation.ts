import { ClientMessageIdConflictError } from '../errors.ts'
import type { AppendTarget } from '../memory/append/appender.ts'
import { isSame } from '../memory/append/replayed-drafts.ts'
import { type Conversation, ROOT_BRANCH } from '../memory/conversation.ts'
import { batchMessages } from '../memory/history/message-batches.ts'
import { isConversationId, placeOf } from '../memory/ids.ts'
import type { Memory } from '../memory/memory.ts'
import type { Message, MessageDraft } from '../memory/message.ts'
import type { Writer } from '../memory/writer.ts'
import { clientIdOf, type FileBranch, type FileConversation, idOfClient } from './file-conversation.ts'

/** The stores that an import writes to; `now` returns epoch milliseconds. */
export interface ImporterDeps {
  memory: Pick<
    Memory,
    | 'findConversations'
    | 'createConversation'
    | 'updateConversation'
    | 'findMessages'
    | 'appendDrafts'
    | 'selectVersion'
  >
  writer: Pick<Writer, 'depth' | 'drain'>
  now: () => number
}

/** The messages of a batch that are in the history now, how many of them this run stored, and the tokens of all. */
export interface StoredBatch {
  messages: number
  stored: number
  tokens: number
}

/** About as many characters as a store takes in one write. Each message counts 500, so a batch has at most 1,000 messages. */
const BATCH_LENGTH = 500_000
/** With more background jobs than this the import waits, since the writer drops jobs when it is full. */
const MAX_WRITER_DEPTH = 100
const DRAIN_MS = 60_000

/**
 * Stores a conversation branch by branch, under ids that the file determines: what is there already is
 * left as it is. Whether it is archived and which path is active is set by the run that stores its last
 * message, and never again. Rejects with ClientMessageIdConflictError where a stored message has other
 * content, and with the history's faults; batches stored until then stay.
 */
export async function storeConversation(
  { memory, writer, now }: ImporterDeps,
  file: FileConversation,
  ownerId: string,
  onStored: (stored: StoredBatch) => void,
): Promise<void> {
  const { conversation, created } = await findOrCreate(memory, ownerId, file)
  const messageIds = new Map<string, string>()
  let isNew = created
  for (const branch of file.branches) {
    let target = targetOf(branch, messageIds)
    for (const batch of batchMessages(toDrafts(branch, now()), BATCH_LENGTH)) {
      const { messages, stored } = await storeBatch(memory, ownerId, conversation.id, batch, target)
      for (const { clientMessageId, id } of messages) messageIds.set(clientMessageId ?? '', id)
      const last = messages.at(-1)
      if (last) target = { branch: last.branch }
      const tokens = messages.reduce((sum, message) => sum + message.tokens, 0)
      onStored({ messages: messages.length, stored, tokens })
      isNew ||= stored > 0
      if (writer.depth > MAX_WRITER_DEPTH) await writer.drain(DRAIN_MS)
    }
  }
  const { archivedAt, selectedId, branches } = file
  // Each branch that is made raises the epoch by one, and so does each switch. With no more than the file's
  // branches nobody has switched yet: a run that stored the last message was interrupted before the end.
  const wasInterrupted = conversation.branchEpoch < branches.length
  const selected = selectedId === undefined ? undefined : messageIds.get(clientIdOf(selectedId))
  if (selected !== undefined && (isNew || wasInterrupted)) await memory.selectVersion(ownerId, selected)
  if (archivedAt !== undefined && isNew) await memory.updateConversation(ownerId, conversation.id, { archivedAt })
}

/** A conversation of this server is found by its id, any other one by its external id. */
async function findOrCreate(
  memory: ImporterDeps['memory'],
  ownerId: string,
  { id, settings, externalId }: FileConversation,
): Promise<{ conversation: Conversation; created: boolean }> {
  const [own] = isConversationId(id) ? await memory.findConversations(ownerId, [id]) : []
  if (own) return { conversation: own, created: false }
  return memory.createConversation(ownerId, { ...settings, externalId }, 'RETURN')
}

/** The drafts' messages, in order. */
async function storeBatch(
  memory: ImporterDeps['memory'],
  ownerId: string,
  conversationId: string,
  drafts: readonly MessageDraft[],
  target: AppendTarget,
): Promise<{ messages: Message[]; stored: number }> {
  const known = await findKnown(memory, ownerId, conversationId, drafts)
  const missing = drafts.filter((draft) => !known.has(draft))
  if (missing.length === 0) return { messages: [...known.values()], stored: 0 }
  const newest = [...known.values()].at(-1)
  const behind = newest ? { branch: newest.branch } : target
  const { messages, stored } = await memory.appendDrafts(ownerId, conversationId, missing, behind)
  const appended = new Map(missing.map((draft, index) => [draft, messages[index]]))
  return { messages: drafts.flatMap((draft) => known.get(draft) ?? appended.get(draft) ?? []), stored: stored.length }
}

/** Messages that came from no file are found by their own id, which an export writes. */
async function findKnown(
  memory: ImporterDeps['memory'],
  ownerId: string,
  conversationId: string,
  drafts: readonly MessageDraft[],
): Promise<Map<MessageDraft, Message>> {
  const idOf = ({ clientMessageId = '' }: MessageDraft) => idOfClient(clientMessageId) ?? ''
  const own = drafts.filter((draft) => placeOf(idOf(draft))?.conversationId === conversationId)
  const found = own.length === 0 ? [] : await memory.findMessages(ownerId, own.map(idOf))
  const known = new Map<MessageDraft, Message>()
  for (const [index, draft] of own.entries()) {
    const message = found[index]
    if (message === undefined) continue
    if (!isSame(draft, message)) throw new ClientMessageIdConflictError(draft.clientMessageId ?? '', message.id)
    known.set(draft, message)
  }
  return known
}

function targetOf({ replaces }: FileBranch, messageIds: ReadonlyMap<string, string>): AppendTarget {
  if (replaces === undefined) return { branch: ROOT_BRANCH }
  const id = messageIds.get(clientIdOf(replaces))
  if (id === undefined) throw new Error(`A branch before the message ${replaces} that it replaces`)
  return { replaces: id }
}

function toDrafts({ messages }: FileBranch, now: number): MessageDraft[] {
  return messages.map(({ id, message }) => ({ createdAt: now, ...message, clientMessageId: clientIdOf(id) }))
}
