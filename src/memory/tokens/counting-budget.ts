import { RateLimitedError } from '../../errors.ts'
import type { Asker } from './fair-queue.ts'

/** Room for texts that wait to be counted: it bounds their memory, and how long they wait. */
export interface CountingBudget {
  /** Throws RateLimitedError where there is no room; what it returns frees the room, whenever it is called first. */
  admit(bytes: number, asker: Asker): () => void
}

/** Of one source, of all long texts, and of all short ones, which long ones must not crowd out. */
const MAX_SOURCE_BYTES = 8_000_000
const MAX_LONG_BYTES = 16_000_000
const MAX_SHORT_BYTES = 8_000_000
/** One thread counts from 1,500 bytes of random Han to 12,000 of usual text in a millisecond. */
const BYTES_PER_MS = 4_000
const LEAST_RETRY_MS = 1_000

/** The room of one node. A text for which nothing else waits is let in whatever its length, which other limits bound. */
export function createCountingBudget(shortBytes: number): CountingBudget {
  const waiting = new Map<string, number>()

  function admit(bytes: number, { ownerId, source }: Asker): () => void {
    const isShort = bytes <= shortBytes
    const rooms = [
      { name: JSON.stringify([ownerId, source]), most: MAX_SOURCE_BYTES, of: 'this connection' },
      isShort
        ? { name: 'short', most: MAX_SHORT_BYTES, of: 'all clients' }
        : { name: 'long', most: MAX_LONG_BYTES, of: 'all clients' },
    ]
    for (const { name, most, of } of rooms) {
      const before = waiting.get(name) ?? 0
      if (before > 0 && before + bytes > most) throw refusal(before, most, of)
    }
    for (const { name } of rooms) add(name, bytes)
    let isFreed = false
    return () => {
      if (!isFreed) for (const { name } of rooms) add(name, -bytes)
      isFreed = true
    }
  }

  function add(name: string, bytes: number): void {
    const sum = (waiting.get(name) ?? 0) + bytes
    if (sum > 0) waiting.set(name, sum)
    else waiting.delete(name)
  }

  return { admit }
}

function refusal(waiting: number, most: number, of: string): RateLimitedError {
  const detail = `Texts of ${of} wait to be counted: ${waiting} bytes of at most ${most}. Send again later.`
  return new RateLimitedError(detail, Math.max(LEAST_RETRY_MS, Math.ceil(waiting / BYTES_PER_MS)))
}
