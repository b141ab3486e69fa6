import { BrokenCircuitError, ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel'
import type { Cluster, Redis } from 'ioredis'
import type { RedisChannels } from '../../redis/redis-channels.ts'
import {
  createRedisReplyStore,
  decodeChunk,
  type RedisReplyStoreLimits,
  textChannel,
  wakeChannel,
} from './redis-reply-store.ts'
import { createReplyFollower, type ReplyFollowerLimits } from './reply-follower.ts'
import type { ReplyLog, ReplyLogListener } from './reply-log.ts'
import { createReplyOutbox, type ReplyOutboxLimits } from './reply-outbox.ts'

/** The client for commands, the node's listening channels, and who is told of faults. */
export interface RedisReplyLogDeps {
  /** Commands: no offline queue, nothing sent twice after a reconnect, a command timeout. Not closed by this. */
  redis: Redis | Cluster
  /** Of the same Redis; not closed by this. */
  channels: RedisChannels
  /** Told of every command that failed; nothing is lost but time. */
  onFault(error: unknown): void
}

/** The bounds of the store, of followers and of what waits to be written, together. */
export interface RedisReplyLogLimits extends RedisReplyStoreLimits, ReplyFollowerLimits, ReplyOutboxLimits {
  /** So many failed commands in a row make all wait. */
  faultsToPause: number
  /** How long they wait before one of them is tried. */
  pauseMs: number
}

/** What serves a server; times are far below a reply's lease, sizes far below Redis' limits for a listening client. */
export const REPLY_LOG_LIMITS: RedisReplyLogLimits = {
  runningTtlMs: 600_000,
  endedTtlMs: 60_000,
  retryMs: 250,
  mostTries: 100,
  writeLength: 65_536,
  readChunks: 500,
  faultsToPause: 5,
  pauseMs: 500,
}

/**
 * The reply log of all nodes on one Redis. While it cannot be reached, writes only gather text, and
 * wakes reach this node; when it is back, it is brought up to date from what it holds, be it nothing.
 */
export function createRedisReplyLog(deps: RedisReplyLogDeps, limits: RedisReplyLogLimits = REPLY_LOG_LIMITS): ReplyLog {
  const { channels } = deps
  const store = createRedisReplyStore(deps.redis, limits)
  const breaker = circuitBreaker(handleAll, {
    halfOpenAfter: limits.pauseMs,
    breaker: new ConsecutiveBreaker(limits.faultsToPause),
  })
  const stops = new Set<() => void>()

  async function ask<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await breaker.execute(command)
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) deps.onFault(error)
      throw error
    }
  }

  const outbox = createReplyOutbox(
    {
      append: (replyId, placed) => ask(() => store.append(replyId, placed)),
      wake: (replyId, ended) => ask(() => store.wake(replyId, ended)),
      onUnsent(replyId) {
        channels.tellHere(textChannel(replyId), '')
        channels.tellHere(wakeChannel(replyId), '')
      },
    },
    limits,
  )

  function followText(replyId: string, listener: ReplyLogListener, from: number): () => void {
    const read = (position: number) => ask(() => store.read(replyId, position))
    const follower = createReplyFollower({ read }, limits, listener, from)
    const leave = channels.join(textChannel(replyId), {
      onMessage: (message) => follower.take(decodeChunk(message)),
      onJoined: follower.joined,
    })
    return () => {
      follower.stop()
      leave()
    }
  }

  function followWakes(replyId: string, listener: ReplyLogListener): () => void {
    const onWake = () => listener.onWake()
    return channels.join(wakeChannel(replyId), { onMessage: onWake, onJoined: onWake })
  }

  return {
    write: outbox.write,
    end: outbox.end,
    wake: outbox.wake,

    follow(replyId, listener, from = 0) {
      const leave = listener.onText ? followText(replyId, listener, from) : followWakes(replyId, listener)
      const stop = () => {
        stops.delete(stop)
        leave()
      }
      stops.add(stop)
      return stop
    },

    async erase(replyId) {
      try {
        await ask(() => store.erase(replyId))
        return true
      } catch {
        // Counted where it was asked for.
        return false
      }
    },

    async close() {
      for (const stop of stops) stop()
      await outbox.close()
    },
  }
}
