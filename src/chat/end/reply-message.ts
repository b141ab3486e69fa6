import { positionAfter } from '../../memory/append/position-after.ts'
import type { ReplyOutcome, ReplyRecord } from '../../memory/history/reply-record.ts'
import { createBranchId } from '../../memory/ids.ts'
import {
  contentOf,
  type Message,
  type MessageDraft,
  type MessagePart,
  type MessageStatus,
} from '../../memory/message.ts'

/** What a reply said: its text, and its parts that are not text. */
export interface ReplySaid {
  text: string
  parts: readonly MessagePart[]
}

/** What a reply said, as its message has it; while it has none, or where none was stored, as its record has it. */
export function saidBy({ text, parts }: ReplySaid, message: Message | undefined): ReplySaid {
  if (message === undefined) return { text, parts }
  return { text: contentOf(message.parts), parts: message.parts.filter(({ type }) => type !== 'text') }
}

/** What is stored as the model's message; undefined when it said nothing. */
export function replyDraft(record: ReplyRecord, questionId: string | undefined, now: number): MessageDraft | undefined {
  const { outcome, text, parts, usage, model, id } = record
  const content: MessagePart[] = text === '' ? parts : [{ type: 'text', text }, ...parts]
  // A model may answer with nothing: that is complete, and its event carries a message.
  if (outcome === undefined || (content.length === 0 && outcome.type !== 'COMPLETED')) return undefined
  return {
    role: 'ASSISTANT',
    status: statusOf(outcome),
    parts: content,
    createdAt: now,
    replyId: id,
    model,
    ...(questionId !== undefined && { replyTo: questionId }),
    ...(outcome.type === 'COMPLETED' && { finishReason: outcome.finishReason }),
    ...(usage && { usage }),
  }
}

/**
 * The message as subscribers get it where no store takes it: behind its question, on a branch that is in no store, so
 * that its id is that of no stored message.
 */
export function unstoredMessage(
  { conversationId, sequence, tokenStart, tokens }: Message,
  draft: MessageDraft,
): Message {
  const head = { sequence, tokens: tokenStart + tokens }
  const counted = { draft, tokens: draft.usage?.completionTokens ?? 0 }
  const [message] = positionAfter(conversationId, createBranchId(), head, [counted])
  if (message === undefined) throw new TypeError('A draft without a message')
  return message
}

function statusOf(outcome: ReplyOutcome): MessageStatus {
  if (outcome.type === 'COMPLETED') return 'COMPLETE'
  return outcome.type === 'INTERRUPTED' ? 'INTERRUPTED' : 'FAILED'
}
