import type { Cluster, Redis, Result } from 'ioredis'
import type { LoggedChange } from './conversation-events.ts'
import { comparePosition, formatCursor, type LogPosition, parseCursor } from './log-position.ts'
import { headStepOf, type PublishedHead } from './published-head.ts'

/** A change on its way into a log. */
export interface LogEntry {
  /** Names the entry wherever it turns up, so that nobody gets it twice. */
  token: string
  change: LoggedChange
}

/** An entry that a log has taken, with its place. */
export interface PlacedEntry extends LogEntry {
  at: LogPosition
}

/** What a read of a log returned: its newest position, and the entries that were requested. */
export interface LogReading {
  head: LogPosition
  publishedHead: PublishedHead
  /** All that came after the given position; undefined when that is not known. */
  entries?: PlacedEntry[]
}

/** A log to be read, from behind a position. */
export interface LogRead {
  conversationId: string
  after: LogPosition | undefined
}

/** The logs of all conversations in Redis. Every method is one round trip and may reject. */
export interface RedisEventLog {
  /**
   * Adds entries and publishes them on the channel, which has the log's name. Without a log it publishes
   * only that something was lost, and returns nothing.
   */
  append(conversationId: string, entries: readonly LogEntry[], ttlMs: number): Promise<PlacedEntry[]>
  /** Undefined when there is no log; else its life is at least `ttlMs` from now. */
  read(conversationId: string, after: LogPosition | undefined, ttlMs: number): Promise<LogReading | undefined>
  /** The same for many logs, in one round trip (on a Cluster in parallel). */
  readMany(reads: readonly LogRead[], ttlMs: number): Promise<(LogReading | undefined)[]>
  /** The same, and a log that is not there is made, with the newest message that was stored before. */
  open(
    conversationId: string,
    after: LogPosition | undefined,
    ttlMs: number,
    publishedHead: PublishedHead,
  ): Promise<LogReading>
  erase(conversationId: string): Promise<void>
}

/** How much of a log is kept, and for how long. */
export interface RedisEventLogLimits {
  logEvents: number
}

/** The id of the newest entry, the published head, and the entries behind the position; null without a log. */
type EventsAnswer = [string, string, [string, string[]][]] | null

declare module 'ioredis' {
  interface RedisCommander<Context> {
    appendEvents(
      key: string,
      publish: string,
      ttlMs: number,
      length: number,
      ...entries: string[]
    ): Result<string | null, Context>
    readEvents(
      key: string,
      ttlMs: number,
      after: string,
      mode: 'READ' | 'OPEN',
      publishedHead: string,
    ): Result<EventsAnswer, Context>
  }
}

/**
 * The newest entry of the log. What is there and can be no log, by its type or by ids that no cursor holds, is
 * deleted: a log that is gone is a reset, one that can be neither read nor written is silence.
 */
const NEWEST_ENTRY = `
local rows = redis.pcall('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
if rows.err and not string.find(rows.err, 'WRONGTYPE', 1, true) then return rows end
local newest = rows[1]
local generation, sequence = string.match(newest and newest[1] or '', '^(%d+)-(%d+)$')
if not generation or #generation > 16 or #sequence > 15 then
  newest = nil
  redis.call('DEL', KEYS[1])
end
`

/**
 * A log exists from the first subscriber on: before, nobody holds a cursor of it. Ids are counted and not
 * drawn from the clock, so that sequences have no gaps. A stream that refuses the next id is no log either.
 */
const APPEND_SCRIPT = `${NEWEST_ENTRY}
if not newest then
  redis.call(ARGV[1], KEYS[1], '')
  return nil
end
local head = newest[2][4] or ''
local function branch(id)
  return string.match(id, '^msg_%w+_%w+(.*)$')
end
for i = 4, #ARGV, 3 do
  sequence = sequence + 1
  local from, to = ARGV[i + 1], ARGV[i + 2]
  if to ~= '' then
    if from == '' or from == head or head == '' then
      head = to
    elseif branch(head) ~= branch(to) then
      head = '?'
    end
  end
  local id = generation .. '-' .. string.format('%.0f', sequence)
  local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], id, 'e', ARGV[i], 'h', head)
  if type(added) == 'table' then
    if not string.find(added.err, 'ID specified', 1, true) then return added end
    redis.call('DEL', KEYS[1])
    redis.call(ARGV[1], KEYS[1], '')
    return nil
  end
  redis.call(ARGV[1], KEYS[1], id .. ' ' .. ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return generation .. '-' .. string.format('%.0f', sequence)
`

/** A new log's generation is Redis' time in microseconds: no log that was lost had the same. */
const READ_SCRIPT = `${NEWEST_ENTRY}
local id, head
if newest then
  id = newest[1]
  head = newest[2][4] or ''
elseif ARGV[3] == 'READ' then
  return nil
else
  local time = redis.call('TIME')
  head = ARGV[4]
  id = redis.call('XADD', KEYS[1], time[1] .. string.format('%06d', time[2]) .. '-0', 'e', '', 'h', head)
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
if ARGV[2] == '' then return { id, head, {} } end
return { id, head, redis.call('XRANGE', KEYS[1], '(' .. ARGV[2], '+') }
`

const CHANGE_TYPES: ReadonlySet<unknown> = new Set<LoggedChange['type']>([
  'MessageAppended',
  'MessageChanged',
  'ConversationChanged',
  'BranchSelected',
  'ReplyBegan',
  'ReplyEnded',
  'ConversationDeleted',
  'ConversationReset',
])

/** The logs as one Redis Stream a conversation, Redis 6.2 or later; on a Cluster with sharded channels (7). */
export function createRedisEventLog(redis: Redis | Cluster, limits: RedisEventLogLimits): RedisEventLog {
  redis.defineCommand('appendEvents', { numberOfKeys: 1, lua: APPEND_SCRIPT })
  redis.defineCommand('readEvents', { numberOfKeys: 1, lua: READ_SCRIPT })
  const publish = redis.isCluster ? 'SPUBLISH' : 'PUBLISH'

  async function append(conversationId: string, entries: readonly LogEntry[], ttlMs: number): Promise<PlacedEntry[]> {
    const values = entries.flatMap(({ token, change }) => {
      const { from, to } = headStepOf(change)
      return [JSON.stringify([token, change]), from, to]
    })
    const key = eventsKey(conversationId)
    const last = parseCursor((await redis.appendEvents(key, publish, ttlMs, limits.logEvents, ...values)) ?? '')
    if (last === undefined) return []
    const before = last.sequence - entries.length
    return entries.map((entry, index) => ({ ...entry, at: { ...last, sequence: before + index + 1 } }))
  }

  async function readOrOpen(
    conversationId: string,
    after: LogPosition | undefined,
    ttlMs: number,
    publishedHead?: PublishedHead,
  ): Promise<LogReading | undefined> {
    const from = after === undefined ? '' : formatCursor(after)
    const mode = publishedHead === undefined ? 'READ' : 'OPEN'
    const answer = await redis.readEvents(eventsKey(conversationId), ttlMs, from, mode, publishedHead ?? '')
    return readingOf({ conversationId, after }, answer)
  }

  async function readMany(reads: readonly LogRead[], ttlMs: number): Promise<(LogReading | undefined)[]> {
    if (redis.isCluster) {
      return Promise.all(reads.map(({ conversationId, after }) => readOrOpen(conversationId, after, ttlMs)))
    }
    const pipeline = redis.pipeline()
    for (const { conversationId, after } of reads) {
      pipeline.readEvents(eventsKey(conversationId), ttlMs, after === undefined ? '' : formatCursor(after), 'READ', '')
    }
    const answers = (await pipeline.exec()) ?? []
    return reads.map((read, index) => {
      const [error, answer] = answers[index] ?? []
      if (error) throw error
      return readingOf(read, answer as EventsAnswer)
    })
  }

  async function open(
    conversationId: string,
    after: LogPosition | undefined,
    ttlMs: number,
    publishedHead: PublishedHead,
  ): Promise<LogReading> {
    const reading = await readOrOpen(conversationId, after, ttlMs, publishedHead)
    if (reading === undefined) throw new TypeError(`The event log of ${conversationId} could not be opened`)
    return reading
  }

  async function erase(conversationId: string): Promise<void> {
    await redis.del(eventsKey(conversationId))
  }

  return {
    append,
    open,
    readMany,
    erase,
    read: (conversationId, after, ttlMs) => readOrOpen(conversationId, after, ttlMs),
  }
}

function readingOf({ conversationId, after }: LogRead, answer: EventsAnswer): LogReading | undefined {
  if (answer === null) return undefined
  const [id, publishedHead, rows] = answer
  const head = parseCursor(id)
  if (head === undefined) throw new TypeError(`The event log of ${conversationId} has the id ${id}`)
  // Entries that were trimmed, or lost with a failover, are missing from the count.
  const complete = after && comparePosition(head, after) === 'SEEN' && rows.length === head.sequence - after.sequence
  if (!complete) return { head, publishedHead }
  return { head, publishedHead, entries: rows.flatMap(([id, [, value]]) => placeEntry(id, value) ?? []) }
}

/** The key of a conversation's log and the name of its channel. */
export function eventsKey(conversationId: string): string {
  return `bs:v1:{${conversationId}}:events`
}

/** An entry as the channel carries it; undefined when it only says that there is something to read. */
export function parseEntryMessage(message: string): PlacedEntry | undefined {
  const space = message.indexOf(' ')
  return placeEntry(message.slice(0, Math.max(0, space)), message.slice(space + 1))
}

function placeEntry(id: string, value: string | undefined): PlacedEntry | undefined {
  const at = parseCursor(id)
  return at && { at, ...decodeEntry(value ?? '') }
}

/** What a newer version wrote reads as a reset: something happened, and only a reload can show what. */
function decodeEntry(value: string): LogEntry {
  try {
    const [token, change] = JSON.parse(value) as [unknown, { type?: unknown } | undefined]
    if (typeof token === 'string' && CHANGE_TYPES.has(change?.type)) return { token, change: change as LoggedChange }
  } catch {
    // Decided below.
  }
  return { token: '', change: { type: 'ConversationReset' } }
}
