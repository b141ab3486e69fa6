import { NotFoundError } from '../../errors.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import type { History } from '../history/history.ts'
import type { ReplyRecords } from '../history/reply-record.ts'
import { placeOf } from '../ids.ts'
import type { Message, MessagePart } from '../message.ts'

/** A redaction that is not settled after so long was left by a node that died. */
const LEFT_AFTER_MS = 60_000
/** Conversations whose redactions one sweep finishes. */
const SWEEP_LIMIT = 100

/** The stores in which a redaction blanks; `now` returns epoch milliseconds. */
export interface RedactorDeps {
  guard: Pick<CacheGuard, 'drop'>
  history: History
  records: Pick<ReplyRecords, 'findByClientMessageId' | 'redact'>
  /** Whether a reply's text is gone from what carries it between nodes. */
  eraseReplyText(replyId: string): Promise<boolean>
  now: () => number
}

/** Redacts messages, and finishes redactions that were begun. */
export interface Redactor {
  /**
   * The message's content is gone when this returns, on every node whose cache drop was answered. Rejects with
   * NotFoundError where it is missing or foreign.
   */
  redactMessage(ownerId: string, id: string): Promise<Message>
  /** Finishes redactions, also those of nodes that died; to be called about once a minute. */
  sweep(): Promise<void>
}

/** Redaction by protocol A4: remembered, done in history and in replies, and then dropped from the cache. */
export function createRedactor({ guard, history, records, eraseReplyText, now }: RedactorDeps): Redactor {
  async function redact(ownerId: string, id: string): Promise<Message | undefined> {
    const [found] = await history.findMessages([id])
    if (found === undefined) return undefined
    const parts = found.parts.flatMap(blank)
    await redactReplies(ownerId, found, parts)
    return history.redactMessage(id, parts)
  }

  /** After the write: a fill needs the generation that the drop destroys. Without an answer they stay due. */
  async function settle(conversationId: string, messages: readonly (Message | undefined)[], ids: readonly string[]) {
    const replyIds = messages.flatMap((message) => message?.replyId ?? [])
    const erased = await Promise.all([guard.drop(conversationId), ...replyIds.map(eraseReplyText)])
    if (erased.includes(false)) return
    for (const id of ids) await history.settleRedaction(conversationId, id)
  }

  /** The record of the reply that wrote it, and of the one that it began: each holds its content too. */
  async function redactReplies(
    ownerId: string,
    { conversationId, replyId, clientMessageId }: Message,
    parts: MessagePart[],
  ): Promise<void> {
    if (replyId !== undefined) await records.redact(replyId, { text: '', parts })
    if (clientMessageId === undefined) return
    const reply = await records.findByClientMessageId(ownerId, conversationId, clientMessageId)
    if (reply?.question) await records.redact(reply.id, { question: { ...reply.question, status: 'REDACTED', parts } })
  }

  async function redactMessage(ownerId: string, id: string): Promise<Message> {
    const { conversationId } = placeOf(id) ?? {}
    const isMarked = conversationId !== undefined && (await history.markRedaction(ownerId, conversationId, id, now()))
    const message = isMarked ? await redact(ownerId, id) : undefined
    if (isMarked) await settle(conversationId, [message], [id])
    if (message === undefined) throw new NotFoundError('message', id)
    return message
  }

  async function sweep(): Promise<void> {
    const unfinished = await history.findUnfinishedRedactions(now() - LEFT_AFTER_MS, SWEEP_LIMIT)
    for (const { ownerId, conversationId, messageIds } of unfinished) {
      const messages = []
      for (const id of messageIds) messages.push(await redact(ownerId, id))
      // Two that settled at once can leave nothing but the mark.
      await settle(conversationId, messages, messageIds.length > 0 ? messageIds : [''])
    }
  }

  return { redactMessage, sweep }
}

/** What is left of a part: the ids of calls and results, without which a model's API refuses the rest. */
function blank(part: MessagePart): MessagePart[] {
  const { type } = part
  if (type === 'toolCall') return [{ type, toolCallId: part.toolCallId, toolName: part.toolName, arguments: '{}' }]
  if (type === 'toolResult') return [{ type, toolCallId: part.toolCallId, output: '' }]
  return []
}
