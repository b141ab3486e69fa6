import type { Cluster, Redis, Result } from 'ioredis'
import { conversationOfReply } from '../../memory/ids.ts'
import type { PlacedText } from './delta-placer.ts'
import type { ReplyLogState } from './reply-log-writer.ts'

/** The texts of running replies in Redis. Every method is one round trip and may reject. */
export interface RedisReplyStore {
  /**
   * Stores and publishes text that begins where the stored text ends, and only then; returns where the
   * stored text ends now. So what is stored has no gap, whatever was lost, doubled or late. Undefined: it was erased,
   * and nothing of it is taken any more.
   */
  append(replyId: string, placed: PlacedText): Promise<number | undefined>
  /** Notifies the readers and the owner; an ended reply's text expires soon after, a deleted one's at once. */
  notify(replyId: string, state: ReplyLogState): Promise<void>
  /** Deletes the text, which may be written anew. */
  clear(replyId: string): Promise<void>
  /** Deletes the text for good, and refuses what a node that is late writes of it. */
  erase(replyId: string): Promise<void>
  /** What reaches beyond `from`, in order, at most `readChunks`. */
  read(replyId: string, from: number): Promise<PlacedText[]>
}

/** How long a reply's text stays in Redis, and how much of it one reading takes. */
export interface RedisReplyStoreLimits {
  /** Life of a running reply's text after its last write. */
  runningTtlMs: number
  endedTtlMs: number
  /** Pieces in one answer at most: an answer of megabytes would hold up what comes after it. */
  readChunks: number
}

declare module 'ioredis' {
  interface RedisCommander<Context> {
    appendReplyText(
      key: string,
      publish: string,
      ttlMs: number,
      offset: number,
      end: number,
      chunk: string,
    ): Result<string, Context>
    notifyReply(key: string, publish: string, ttlMs: number | ''): Result<null, Context>
    eraseReplyText(key: string, ttlMs: number, emptyTtlMs: number): Result<null, Context>
  }
}

/** Stands in the place of an erased text. */
const ERASED = 'erased'

/**
 * A chunk's id in the stream is where it ends: the newest id tells how far the text is stored. What is no such stream,
 * by its type, by an id that is no exact number or by refusing the next one, is deleted: then the owner sends all anew.
 */
const APPEND_SCRIPT = `
local rows = redis.pcall('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if rows.err and not string.find(rows.err, 'WRONGTYPE', 1, true) then return rows end
if rows.err and redis.pcall('GET', KEYS[1]) == '${ERASED}' then return '${ERASED}' end
local newest = rows[1]
local stored = newest and string.match(newest[1], '^%d+') or '0'
if rows.err or #stored > 15 then
  redis.call('DEL', KEYS[1])
  stored = '0'
end
if stored ~= ARGV[3] then return stored end
local added = redis.pcall('XADD', KEYS[1], ARGV[4] .. '-0', 'c', ARGV[5])
if type(added) == 'table' then
  if not string.find(added.err, 'ID specified', 1, true) then return added end
  redis.call('DEL', KEYS[1])
  return '0'
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call(ARGV[1], KEYS[1], ARGV[5])
return ARGV[4]
`

const NOTIFY_SCRIPT = `
if ARGV[2] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
redis.call(ARGV[1], KEYS[1], '')
redis.call(ARGV[1], KEYS[1] .. ':notify', '')
`

/**
 * An owner that was paused, or cut off from Redis, may write once more. Where a text is, it may be the whole life of one
 * later; where there is none, only what waited for Redis is to come. A full Redis need not take it.
 */
const ERASE_SCRIPT = `
local ttl = redis.call('DEL', KEYS[1]) > 0 and ARGV[1] or ARGV[2]
redis.pcall('SET', KEYS[1], '${ERASED}', 'PX', ttl)
`

/** One Redis Stream a reply; a write costs what it carries, however much is stored. Sharded channels on a Cluster (7). */
export function createRedisReplyStore(redis: Redis | Cluster, limits: RedisReplyStoreLimits): RedisReplyStore {
  redis.defineCommand('appendReplyText', { numberOfKeys: 1, lua: APPEND_SCRIPT })
  redis.defineCommand('notifyReply', { numberOfKeys: 1, lua: NOTIFY_SCRIPT })
  redis.defineCommand('eraseReplyText', { numberOfKeys: 1, lua: ERASE_SCRIPT })
  const publish = redis.isCluster ? 'SPUBLISH' : 'PUBLISH'

  async function append(replyId: string, placed: PlacedText): Promise<number | undefined> {
    const { offset, text } = placed
    const { runningTtlMs } = limits
    const end = offset + text.length
    const chunk = encodeChunk(placed)
    const stored = await redis.appendReplyText(textChannel(replyId), publish, runningTtlMs, offset, end, chunk)
    return stored === ERASED ? undefined : Number(stored)
  }

  async function notify(replyId: string, state: ReplyLogState): Promise<void> {
    const ttlMs = { RUNNING: '' as const, ENDED: limits.endedTtlMs, DELETED: 0 }[state]
    await redis.notifyReply(textChannel(replyId), publish, ttlMs)
  }

  async function clear(replyId: string): Promise<void> {
    await redis.del(textChannel(replyId))
  }

  async function erase(replyId: string): Promise<void> {
    await redis.eraseReplyText(textChannel(replyId), limits.runningTtlMs, limits.endedTtlMs)
  }

  async function read(replyId: string, from: number): Promise<PlacedText[]> {
    const entries = await redis
      .xrange(textChannel(replyId), from + 1, '+', 'COUNT', limits.readChunks)
      .catch(ifNoStream)
    return entries.flatMap(([id, [, chunk]]) => {
      const placed = decodeChunk(chunk ?? '')
      // What does not end where its id says is nobody's.
      return placed && id === `${placed.offset + placed.text.length}-0` ? [placed] : []
    })
  }

  return { append, notify, clear, erase, read }
}

/** The channel of a reply's text, and the key under which the text is stored. */
export function textChannel(replyId: string): string {
  return `bs:v1:{${conversationOfReply(replyId)}}:reply:${replyId}`
}

/** The channel of notifications alone. */
export function notifyChannel(replyId: string): string {
  return `${textChannel(replyId)}:notify`
}

/** What is no stream holds nothing: its owner's next write begins anew. */
function ifNoStream(error: unknown): never[] {
  if (error instanceof Error && error.message.startsWith('WRONGTYPE')) return []
  throw error
}

/** JSON, which keeps half characters too; UTF-8 does not. */
function encodeChunk({ offset, text }: PlacedText): string {
  return JSON.stringify([offset, text])
}

/** Text as it is stored and published; undefined when it is none: a notification, or what a newer version wrote. */
export function decodeChunk(chunk: string): PlacedText | undefined {
  try {
    const [offset, text] = JSON.parse(chunk) as unknown[]
    return typeof offset === 'number' && typeof text === 'string' ? { offset, text } : undefined
  } catch {
    return undefined
  }
}
