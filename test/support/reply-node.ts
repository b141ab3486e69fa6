import type { NewReply } from '../../src/chat/begin/begin-reply.ts'
import type { ReplyEvent } from '../../src/chat/follow/reply-event.ts'
import type { ReplyLog } from '../../src/chat/log/reply-log.ts'
import type { ChatModel } from '../../src/chat/model/chat-model.ts'
import { createReplies, type Replies, type RepliesLimits } from '../../src/chat/replies.ts'
import type { Cache } from '../../src/memory/cache/cache.ts'
import { createCacheGuard } from '../../src/memory/cache/cache-guard.ts'
import type { ConversationEvents } from '../../src/memory/events/conversation-events.ts'
import type { History } from '../../src/memory/history/history.ts'
import type { ReplyRecords } from '../../src/memory/history/reply-record.ts'
import { createMemory, type Memory } from '../../src/memory/memory.ts'
import { createTokenCounter, type TokenCounter } from '../../src/memory/tokens/token-counter.ts'
import { createWriter } from '../../src/memory/writer.ts'

export const OWNER = 'local'

/** The signal of a client that stays. */
export const never = new AbortController().signal

/** What the nodes of a test share: the stores and what goes between nodes. */
export interface SharedDeps {
  history: History
  records: ReplyRecords
  cache: Cache
  events: ConversationEvents
  log: ReplyLog
  /** One of its own for each node when absent. */
  counter?: TokenCounter
  /** The replies' clock, in epoch milliseconds; the real one when absent. */
  now?: () => number
  onRecovered?: (replyId: string) => void
}

export interface ReplyNode {
  memory: Memory
  replies: Replies
  faults: unknown[]
  stop(): Promise<void>
}

/** Only the checkpoints, which tests wait for, are soon: a loaded machine may stand still for many seconds. */
const LIMITS: RepliesLimits = {
  firstTokenMs: 120_000,
  idleMs: 120_000,
  leaseMs: 120_000,
  checkpointMs: 50,
  replyTimeoutMs: 300_000,
  heartbeatMs: 120_000,
  queueLimit: 4,
}

/** A node of a test: the real memory and replies on shared stores, with its own model. */
export function createReplyNode(shared: SharedDeps, model: ChatModel, limits: Partial<RepliesLimits> = {}): ReplyNode {
  const { history, records, events, log } = shared
  const faults: unknown[] = []
  const guard = createCacheGuard(
    shared.cache,
    { commandTimeoutMs: 60_000 },
    { onFault: (_operation, error) => void faults.push(error), onAvailable() {}, onMarkLost() {} },
  )
  const counter = shared.counter ?? createTokenCounter()
  const writer = createWriter({ guard, history, onError: (_id, error) => void faults.push(error) })
  const memory = createMemory(
    { guard, history, records, eraseReplyText: log.erase, writer, counter, events, now: Date.now, onFill() {} },
    { tailTokens: 8_000, ttlSeconds: 3_600, maxContextTokens: 200_000, maxMessageBytes: 1_048_576 },
  )
  const onFault = (_replyId: string, error: unknown) => void faults.push(error)
  const now = shared.now ?? Date.now
  const replies = createReplies(
    {
      records,
      memory,
      counter,
      model,
      log,
      now,
      onFault,
      ...(shared.onRecovered && { onRecovered: shared.onRecovered }),
    },
    { ...LIMITS, ...limits },
  )
  return {
    memory,
    replies,
    faults,
    async stop() {
      await replies.stop(1_000)
      await writer.drain(1_000)
      await counter.close()
    },
  }
}

/** A question with an id, and everything else as by default. */
export function questionOf(
  conversationId: string,
  text: string,
  more: Partial<NewReply> & { id?: string } = {},
): NewReply {
  const { id = text, ...rest } = more
  return {
    conversationId,
    clientMessageId: id,
    question: {
      role: 'USER',
      status: 'COMPLETE',
      createdAt: Date.now(),
      parts: [{ type: 'text', text }],
      clientMessageId: id,
    },
    maxTokens: 3_000,
    anchor: 0.25,
    onBusy: 'REJECT',
    onDisconnect: 'CONTINUE',
    ...rest,
  }
}

/** Another answer in the place of one, or, without it, an answer to what is stored last. */
export function answerOf(conversationId: string, id: string, replaces?: string): NewReply {
  const { question: _, ...rest } = questionOf(conversationId, '', { id })
  return { ...rest, ...(replaces !== undefined && { replaces }) }
}

/** Every event of a stream to its end, as far as the signal lets it. */
export async function collect(stream: AsyncIterable<ReplyEvent>): Promise<ReplyEvent[]> {
  const events: ReplyEvent[] = []
  for await (const event of stream) events.push(event)
  return events
}

/** The text that a client has who placed every delta, in the order in which they came. */
export function placeDeltas(events: readonly ReplyEvent[], before = ''): string {
  return events.reduce(
    (text, event) => (event.type === 'ReplyDelta' ? text.slice(0, event.offset) + event.text : text),
    before,
  )
}
