import type { AppendTarget } from '../memory/appender.ts'
import { ROOT_BRANCH } from '../memory/conversation.ts'
import { sliceBatch } from '../memory/history/batch-slices.ts'
import type { Memory } from '../memory/memory.ts'
import type { MessageDraft } from '../memory/message.ts'
import type { Writer } from '../memory/writer.ts'
import type { FileBranch, FileConversation } from './file-conversation.ts'

/** What an import writes to; `now` gives epoch milliseconds. */
export interface ImporterParts {
  memory: Pick<Memory, 'createConversation' | 'updateConversation' | 'appendDrafts' | 'selectVersion'>
  writer: Pick<Writer, 'depth' | 'drain'>
  now: () => number
}

/** What a batch did: messages that are in the history now, those of them that were not before, and their tokens. */
export interface StoredBatch {
  messages: number
  stored: number
  tokens: number
}

/** About as many characters a batch as a store takes at once; as each message counts 500, at most 1,000 messages. */
const BATCH_LENGTH = 500_000
/** More background jobs than this wait for the writer, which would drop them at some point. */
const MAX_WRITER_DEPTH = 100
const DRAIN_MS = 60_000

/**
 * Stores a conversation branch by branch, under ids that the file determines: what is there already is
 * left as it is. What is set at the end, archived and the active path, is not set again by later runs.
 */
export async function storeConversation(
  { memory, writer, now }: ImporterParts,
  file: FileConversation,
  ownerId: string,
  onStored: (stored: StoredBatch) => void,
): Promise<void> {
  const input = { ...file.settings, externalId: file.externalId }
  const { conversation, created } = await memory.createConversation(ownerId, input, 'RETURN')
  const messageIds = new Map<string, string>()
  let isNew = created
  for (const branch of file.branches) {
    let target = targetOf(branch, messageIds)
    for (const batch of sliceBatch(toDrafts(branch, now()), BATCH_LENGTH)) {
      const { messages, stored } = await memory.appendDrafts(ownerId, conversation.id, batch, target)
      for (const { clientMessageId, id } of messages) messageIds.set(clientMessageId ?? '', id)
      if (messages[0]) target = { branch: messages[0].branch }
      const tokens = messages.reduce((sum, message) => sum + message.tokens, 0)
      onStored({ messages: messages.length, stored: stored.length, tokens })
      isNew ||= stored.length > 0
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

/** The idempotency key of a message with this id in a file. */
export function clientIdOf(id: string): string {
  return `import:${id}`
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
