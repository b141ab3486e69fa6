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

/** What a reply said: its text, what was thought, and its other parts. */
export interface ReplySaid {
  text: string
  reasoning: string
  isReasoningFirst: boolean
  parts: readonly MessagePart[]
}

/** Of a reply that said nothing. */
export const NOTHING_SAID: ReplySaid = { text: '', reasoning: '', isReasoningFirst: false, parts: [] }

/** What a reply said, as its message has it; while it has none, or where none was stored, as its record has it. */
export function saidBy(
  { text, parts }: { text: string; parts: readonly MessagePart[] },
  message: Message | undefined,
): ReplySaid {
  const said = message?.parts ?? parts
  return {
    text: message === undefined ? text : contentOf(said),
    reasoning: said.map((part) => (part.type === 'reasoning' ? part.text : '')).join(''),
    isReasoningFirst: said[0]?.type === 'reasoning' && said[0].text !== '',
    parts: said.filter(({ type }) => type !== 'text' && type !== 'reasoning'),
  }
}

/** What is stored as the model's message; undefined when it said nothing. */
export function replyDraft(record: ReplyRecord, questionId: string | undefined, now: number): MessageDraft | undefined {
  const { outcome, text, parts, usage, model, id } = record
  const content = withText(parts, text)
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

/** The text in the place that is kept for it, or else behind thoughts at the beginning. */
function withText(parts: readonly MessagePart[], text: string): MessagePart[] {
  const place = parts.findIndex(({ type }) => type === 'text')
  if (place >= 0)
    return parts.map((part, index) => (index === place && part.type === 'text' ? { ...part, text } : part))
  const before = parts[0]?.type === 'reasoning' ? 1 : 0
  return text === '' ? [...parts] : parts.toSpliced(before, 0, { type: 'text', text })
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
