import { NotFoundError } from '../../errors.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import type { History } from '../history/history.ts'
import type { ReplyRecords } from '../history/reply-record.ts'
import { placeOf } from '../ids.ts'
import type { Message, MessagePart } from '../message.ts'
import { sweepEach } from './sweep-each.ts'

/** The second drop comes so long after the mark: 60 s after the first drop, which a failover may undo (A4). */
const SECOND_DROP_MS = 75_000
/** Conversations that one sweep drops once more. */
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
  /**
   * Redacts and drops once more what is due, also what nodes that died left behind, and what a change of metadata or
   * `expiresAt` left whose drop was not answered. To be called about once a minute.
   */
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

  /** After the write: a fill needs the generation that the drop destroys. False: a store did not answer. */
  async function drop(conversationId: string, messages: readonly (Message | undefined)[]): Promise<boolean> {
    const replyIds = messages.flatMap((message) => message?.replyId ?? [])
    const erased = await Promise.all([guard.drop(conversationId), ...replyIds.map(eraseReplyText)])
    return !erased.includes(false)
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
    if (reply === undefined) return
    const question = reply.question && { ...reply.question, status: 'REDACTED' as const, parts }
    await records.redact(reply.id, { questionDigest: null, ...(question && { question }) })
  }

  async function redactMessage(ownerId: string, id: string): Promise<Message> {
    const { conversationId } = placeOf(id) ?? {}
    const isMarked = conversationId !== undefined && (await history.markDropDue(ownerId, conversationId, now(), id))
    const message = isMarked ? await redact(ownerId, id) : undefined
    if (message === undefined) throw new NotFoundError('message', id)
    await drop(message.conversationId, [message])
    return message
  }

  async function sweep(): Promise<void> {
    const due = await history.findDueDrops(now() - SECOND_DROP_MS, SWEEP_LIMIT)
    await sweepEach(
      due,
      async ({ conversationId, ownerId, messageIds, dropDue }) => {
        const messages = []
        for (const id of messageIds) messages.push(await redact(ownerId, id))
        if (await drop(conversationId, messages)) await history.settleDrop(conversationId, dropDue)
      },
      ({ conversationId, ownerId }) => history.markDropDue(ownerId, conversationId, now()),
    )
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
