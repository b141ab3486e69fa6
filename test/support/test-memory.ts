import { createCacheGuard } from '../../src/memory/cache/cache-guard.ts'
import { createLocalCache } from '../../src/memory/cache/local-cache.ts'
import { createLocalEvents } from '../../src/memory/events/local-events.ts'
import type { ReplyRecords } from '../../src/memory/history/reply-record.ts'
import { createSqliteDatabase } from '../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../src/memory/history/sqlite/sqlite-history.ts'
import { createSqliteReplies } from '../../src/memory/history/sqlite/sqlite-replies.ts'
import { createMemory, type Memory } from '../../src/memory/memory.ts'
import { createTokenCounter, type TokenCounter } from '../../src/memory/tokens/token-counter.ts'
import { createWriter } from '../../src/memory/writer.ts'
import { NOTHING_LOST } from './event-reader.ts'
import { type RecordedHistory, recordHistory } from './recorded-history.ts'

export interface TestMemory {
  memory: Memory
  /** Where it keeps things, with a record of its calls. */
  history: RecordedHistory
  records: ReplyRecords
  counter: TokenCounter
  stop(): Promise<void>
}

/** Gives what takes the place of parts of a counter. */
export type ChangeCounter = (counter: TokenCounter) => Partial<TokenCounter>

/** The limits of a server by default. */
export const INPUT_LIMITS = { maxContextTokens: 200_000, maxMessageBytes: 1_048_576 }

/** The embedded memory, with nothing in it, and what ends it. `change` may replace parts of its counter. */
export async function startTestMemory(change: ChangeCounter = () => ({})): Promise<TestMemory> {
  const limits = { tailTokens: 8_000, ttlSeconds: 3_600, ...INPUT_LIMITS }
  const database = createSqliteDatabase(':memory:')
  const history = recordHistory(createSqliteHistory(database), () => ({}))
  const records = createSqliteReplies(database)
  const observer = { onFault() {}, onAvailable() {}, onMarkLost() {} }
  const cache = createLocalCache({ ...limits, maxBytes: 10_000_000 }, Date.now)
  const guard = createCacheGuard(cache, { commandTimeoutMs: 60_000 }, observer)
  const writer = createWriter({ guard, history, onError() {} })
  const plainCounter = createTokenCounter()
  const counter = { ...plainCounter, ...change(plainCounter) }
  const events = createLocalEvents(NOTHING_LOST, {
    logEvents: 100,
    bufferEvents: 100,
    pollMs: 3_600_000,
    conversations: 100,
  })
  const deps = { guard, history, records, eraseReplyText: async () => true, writer, counter, events }
  const memory = createMemory({ ...deps, now: Date.now, onFill() {} }, limits)
  await history.prepare()
  await records.prepare()
  await plainCounter.warm('o200k_base')
  return {
    memory,
    history,
    records,
    counter,
    async stop() {
      await writer.drain(1_000)
      await Promise.all([counter.close(), events.close(), guard.close()])
      await history.close()
    },
  }
}
