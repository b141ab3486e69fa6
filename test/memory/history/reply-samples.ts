import type { ReplyRecord } from '../../../src/memory/history/reply-record.ts'
import { createReplyId } from '../../../src/memory/ids.ts'

export const TIME = Date.UTC(2026, 0, 1)

let count = 0

/** A running reply of `ann` with nothing optional, but for what is given; its question's id is its own. */
export function sampleReply(conversationId: string, given: Partial<ReplyRecord> = {}): ReplyRecord {
  count += 1
  const { clientMessageId = `question-${count}` } = given
  return {
    id: createReplyId(conversationId),
    conversationId,
    ownerId: 'ann',
    clientMessageId,
    question: {
      role: 'USER',
      status: 'COMPLETE',
      parts: [{ type: 'text', text: 'Why?' }],
      createdAt: TIME,
      clientMessageId,
    },
    phase: 'RUN',
    active: true,
    beat: 0,
    leaseUntil: TIME + 10_000,
    context: { maxTokens: 3_000, anchor: 0.25 },
    text: '',
    parts: [],
    model: 'demo',
    startedAt: TIME,
    ...given,
  }
}

/** The same, waiting at a place. */
export function queuedReply(conversationId: string, place: number, given: Partial<ReplyRecord> = {}): ReplyRecord {
  return sampleReply(conversationId, { phase: 'QUEUED', active: false, place, ...given })
}

/** The same, after its end. */
export function endedReply(conversationId: string, given: Partial<ReplyRecord> = {}): ReplyRecord {
  const outcome = { type: 'COMPLETED' as const, finishReason: 'STOP' as const }
  return sampleReply(conversationId, { phase: 'ENDED', active: false, outcome, endedAt: TIME + 9, ...given })
}
