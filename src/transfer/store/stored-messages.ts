import { isSame } from '../../memory/append/replayed-drafts.ts'
import type { Conversation } from '../../memory/conversation.ts'
import type { History } from '../../memory/history/history.ts'
import { idempotencyKey } from '../../memory/history/stored-draft.ts'
import { placeOf } from '../../memory/ids.ts'
import type { Memory } from '../../memory/memory.ts'
import { contentOf, type Message, type MessageDraft } from '../../memory/message.ts'
import { isListed } from '../../memory/versions/branches.ts'
import type { Writer } from '../../memory/writer.ts'
import { clientIdOf, type FileConversation, type PlacedMessage } from '../file-conversation.ts'
import type { Notes } from '../notes.ts'

/** The stores that an import writes to; `now` returns epoch milliseconds. */
export interface ImporterDeps {
  memory: Pick<
    Memory,
    | 'findConversations'
    | 'findConversationByExternalId'
    | 'createConversation'
    | 'updateConversation'
    | 'findMessages'
    | 'readMessages'
    | 'appendDrafts'
    | 'selectVersion'
  >
  history: Pick<History, 'findByIdempotencyKeys' | 'findMessages'>
  writer: Pick<Writer, 'depth' | 'drain'>
  now: () => number
}

/** The messages of a batch that are in the history now, how many of them this run stored, and the tokens of all. */
export interface StoredBatch {
  messages: number
  stored: number
  tokens: number
}

/** One conversation on its way into the store. */
export interface Storing {
  file: FileConversation
  ownerId: string
  conversation: Conversation
  /** Whether nothing but what this run stores can be in it. */
  isNew: boolean
  notes: Notes
  /** By their ids in the file. */
  stored: Map<string, Message>
  /** Of messages behind one that changed: what tells their ids from those of before. */
  variants: Map<string, string>
  onStored(stored: StoredBatch): void
}

/** What is stored of a message: it, something else under its id, or nothing. */
export type Found = Map<PlacedMessage, Message | 'CHANGED' | undefined>

/** What is stored of messages, each under its key or in its place. */
export async function findStored(
  deps: ImporterDeps,
  storing: Storing,
  placed: readonly PlacedMessage[],
  variant: string,
): Promise<Found> {
  const { isNew, file, notes } = storing
  const stored = isNew ? new Map<PlacedMessage, Message>() : await lookUp(deps, storing, placed, variant)
  return new Map(
    placed.map((each): [PlacedMessage, Message | 'CHANGED' | undefined] => {
      const message = stored.get(each)
      const draft = draftOf(each, variant, 0)
      if (message === undefined || isSameMessage(draft, message)) return [each, message]
      if (isChanged(draft, message, file.hasLastingIds)) return [each, 'CHANGED']
      notes.change(each.place, 'stored already, by another reading of the same message: left as it is')
      return [each, message]
    }),
  )
}

/** What is stored under the keys of messages or, where it was exported here, in their places. */
async function lookUp(
  { history, memory }: ImporterDeps,
  { conversation, ownerId }: Storing,
  placed: readonly PlacedMessage[],
  variant: string,
): Promise<Map<PlacedMessage, Message>> {
  const keysOf = (each: PlacedMessage) => [
    idempotencyKey(draftOf(each, variant, 0)) ?? '',
    ...(each.own ? [`c:${clientIdOf(each.id)}${variant}`] : []),
  ]
  const own =
    variant === '' ? placed.filter(({ own }) => own && placeOf(own.id)?.conversationId === conversation.id) : []
  const keys = placed.flatMap(keysOf).filter((key) => key !== '')
  const [found, inPlace] = await Promise.all([
    keys.length > 0 ? history.findByIdempotencyKeys(conversation.id, keys) : [],
    own.length > 0
      ? memory.findMessages(
          ownerId,
          own.map(({ id }) => id),
        )
      : [],
  ])
  // What lies on a branch that is not listed yet is listed by appending it again.
  const listed = found.filter(({ branch }) => isListed(conversation, branch))
  const byKey = new Map(listed.map((message) => [idempotencyKey(message), message]))
  const byId = new Map(own.map(({ id }, index) => [id, inPlace[index]]))
  return new Map(
    placed.flatMap((each) => {
      const key = keysOf(each).find((one) => byKey.has(one))
      const message = byKey.get(key) ?? byId.get(each.id)
      return message ? [[each, message] as const] : []
    }),
  )
}

/** A message that was redacted, here or before it was exported, has lost its content. */
function isSameMessage(draft: MessageDraft, stored: Message): boolean {
  const { replyId: _, ...said } = draft
  return isSame(said, stored) || (draft.status === 'REDACTED' && draft.role === stored.role)
}

/**
 * Whether the file says something else than when the message was stored. Ids that last keep what they say, but for a
 * message that was half written; else what is stored is what an older version of the import made of it.
 */
function isChanged(draft: MessageDraft, stored: Message, hasLastingIds: boolean): boolean {
  const [text, before] = [draft, stored].map(({ parts }) => contentOf(parts))
  if (text === undefined || before === undefined) return false
  if (!hasLastingIds) return text !== before || draft.role !== stored.role
  const wasHalf = stored.status === 'INTERRUPTED' && draft.status === 'COMPLETE'
  const hasGrown = before !== '' && text.length > before.length && text.startsWith(before.trimEnd())
  return text !== before && (wasHalf || hasGrown)
}

/** A message that another file of the same export has. */
export async function findBehind(
  { history }: Pick<ImporterDeps, 'history'>,
  { conversation, isNew }: Pick<Storing, 'conversation' | 'isNew'>,
  id: string | undefined,
): Promise<Message | undefined> {
  if (isNew || id === undefined) return undefined
  const [message] = await history.findByIdempotencyKeys(conversation.id, [`c:${clientIdOf(id)}`])
  return message && isListed(conversation, message.branch) ? message : undefined
}

/** What a message is stored as; `now` in epoch milliseconds is its time where it has none. */
export function draftOf({ id, message, own }: PlacedMessage, variant: string, now: number): MessageDraft {
  const draft = { createdAt: now, ...message }
  if (own === undefined || variant !== '') return { ...draft, clientMessageId: `${clientIdOf(id)}${variant}` }
  const { id: _id, tokens: _tokens, ...keys } = own
  return { ...draft, ...keys }
}
