import { BrokenCircuitError } from 'cockatiel'
import type { Cluster, Redis } from 'ioredis'
import type { RedisChannels } from '../../redis/redis-channels.ts'
import {
  createRedisReplyStore,
  decodeChunk,
  notifyChannel,
  type RedisReplyStoreLimits,
  textChannel,
} from './redis-reply-store.ts'
import type { ReplyLog, ReplyLogHandlers } from './reply-log.ts'
import { createReplyLogReader, type ReplyLogReaderLimits } from './reply-log-reader.ts'
import { createReplyLogWriter, type ReplyLogWriterLimits } from './reply-log-writer.ts'
import { createRetryGate, type RetryGateLimits } from './retry-gate.ts'

/** The connections of a reply log. */
export interface RedisReplyLogDeps {
  /** Commands: no offline queue, nothing sent twice after a reconnect, a command timeout. Not closed by this. */
  redis: Redis | Cluster
  /** Of the same Redis; not closed by this. */
  channels: RedisChannels
  /** Called for every command that failed; nothing is lost but time. */
  onFault(error: unknown): void
}

/** The bounds of the store, of readers and of what waits to be written, together. */
export interface RedisReplyLogLimits
  extends RedisReplyStoreLimits,
    ReplyLogReaderLimits,
    ReplyLogWriterLimits,
    RetryGateLimits {}

/** What serves a server; times are far below a reply's lease, sizes far below Redis' limits for a listening client. */
export const REPLY_LOG_LIMITS: RedisReplyLogLimits = {
  runningTtlMs: 600_000,
  endedTtlMs: 60_000,
  retryMs: 250,
  mostTries: 50,
  gatherMs: 30,
  writeLength: 65_536,
  readChunks: 500,
  faultsToPause: 5,
  pauseMs: 500,
}

/** Erasures that are kept for a Redis that is away. */
const MAX_UNERASED = 10_000

/**
 * The reply log of all nodes on one Redis. While it cannot be reached, writes only gather text, and
 * notifications reach this node only; when it is back, it gets what it lacks, be it everything.
 */
export function createRedisReplyLog(deps: RedisReplyLogDeps, limits: RedisReplyLogLimits = REPLY_LOG_LIMITS): ReplyLog {
  const { channels } = deps
  const store = createRedisReplyStore(deps.redis, limits)
  const gate = createRetryGate(limits)
  const stops = new Set<() => void>()
  /** Replies whose erasure Redis did not take; what is beyond the bound is left to expire. */
  const unerased = new Set<string>()

  async function execute<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await gate.execute(command)
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) deps.onFault(error)
      throw error
    }
  }

  const writer = createReplyLogWriter(
    {
      gate,
      append: (replyId, placed) => execute(() => store.append(replyId, placed)),
      notify: (replyId, state) => execute(() => store.notify(replyId, state)),
      clear: (replyId) => execute(() => store.clear(replyId)),
      onUnsent(replyId) {
        channels.publishLocally(textChannel(replyId), '')
        channels.publishLocally(notifyChannel(replyId), '')
      },
    },
    limits,
  )

  function followText(replyId: string, handlers: ReplyLogHandlers, from: number): () => void {
    const read = (position: number) => execute(() => store.read(replyId, position))
    const reader = createReplyLogReader({ read, gate }, limits, handlers, from)
    const unsubscribe = channels.subscribe(textChannel(replyId), {
      onMessage: (message) => reader.receive(decodeChunk(message)),
      onSubscribed: reader.subscribed,
    })
    return () => {
      reader.stop()
      unsubscribe()
    }
  }

  function followNotifications(replyId: string, handlers: ReplyLogHandlers): () => void {
    const onNotify = () => handlers.onNotify()
    return channels.subscribe(notifyChannel(replyId), { onMessage: onNotify, onSubscribed: onNotify })
  }

  function follow(replyId: string, handlers: ReplyLogHandlers, from = 0): () => void {
    const release = handlers.onText ? followText(replyId, handlers, from) : followNotifications(replyId, handlers)
    const stop = () => {
      stops.delete(stop)
      release()
    }
    stops.add(stop)
    return stop
  }

  async function erase(replyId: string): Promise<boolean> {
    writer.discard(replyId)
    try {
      await execute(() => store.erase(replyId))
      unerased.delete(replyId)
      return true
    } catch {
      // Counted by `execute`.
      if (unerased.size === 0) gate.wait({ retry: () => void eraseAgain() })
      if (unerased.size < MAX_UNERASED) unerased.add(replyId)
      return false
    }
  }

  /** With the first that fails again the rest waits. */
  async function eraseAgain(): Promise<void> {
    const waiting = [...unerased]
    unerased.clear()
    for (const [index, replyId] of waiting.entries()) {
      if (await erase(replyId)) continue
      for (const other of waiting.slice(index)) unerased.add(other)
      return
    }
  }

  async function close(): Promise<void> {
    for (const stop of stops) stop()
    await writer.close()
    await eraseAgain()
    gate.close()
  }

  return { write: writer.write, end: writer.end, notify: writer.notify, follow, erase, close }
}
