import { randomUUID } from 'node:crypto'
import type { NewReply } from '../../src/chat/begin/begin-reply.ts'
import type { ChatModel } from '../../src/chat/model/chat-model.ts'
import { createReplies, type Replies, type RepliesLimits } from '../../src/chat/replies.ts'
import type { Stage } from './stage.ts'

/** The defaults of the configuration. */
const LIMITS: RepliesLimits = {
  firstTokenMs: 60_000,
  idleMs: 30_000,
  replyTimeoutMs: 600_000,
  leaseMs: 10_000,
  checkpointMs: 1_000,
  heartbeatMs: 15_000,
  queueLimit: 16,
}

/** Replies on a stage, as the program makes them. A fault that they live on with is told. */
export function openReplies(stage: Stage, model: ChatModel, limits: Partial<RepliesLimits> = {}): Replies {
  const { records, memory, counter, replyLog } = stage
  const onFault = (replyId: string, error: unknown) => console.warn(`fault of ${replyId}: ${error}`)
  const deps = { records, memory, counter, model, log: replyLog, now: Date.now, onFault }
  return createReplies(deps, { ...LIMITS, ...limits })
}

/** A question like any other, each with an id of its own. */
export function newReply(conversationId: string): NewReply {
  const clientMessageId = randomUUID()
  return {
    conversationId,
    clientMessageId,
    question: {
      role: 'USER',
      status: 'COMPLETE',
      createdAt: Date.now(),
      parts: [{ type: 'text', text: 'What did we agree on last week?' }],
      clientMessageId,
    },
    maxTokens: 3_000,
    anchor: 0.25,
    onBusy: 'REJECT',
    onDisconnect: 'CONTINUE',
  }
}
