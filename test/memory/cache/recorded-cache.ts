import type { Cache } from '../../../src/memory/cache/cache.ts'

export interface RecordedCache extends Cache {
  /** Names of the methods called, in order. */
  readonly calls: string[]
  /** Called before each; what it throws, the method rejects with, and while it waits, the method does. */
  before: (operation: string) => Promise<void> | void
}

/** A cache that records what it is asked, and fails or hangs when a test wants it to. */
export function recordCache(cache: Cache): RecordedCache {
  const calls: string[] = []
  async function pass<T>(operation: string, send: () => Promise<T>): Promise<T> {
    calls.push(operation)
    await recorded.before(operation)
    return send()
  }
  const recorded: RecordedCache = {
    calls,
    before: () => {},
    readEntries: (ids) => pass('readEntries', () => cache.readEntries(ids)),
    open: (id, generation) => pass('open', () => cache.open(id, generation)),
    mark: (id, mark, generation) => pass('mark', () => cache.mark(id, mark, generation)),
    confirm: (id, appended) => pass('confirm', () => cache.confirm(id, appended)),
    fill: (id, tail, ttlSeconds) => pass('fill', () => cache.fill(id, tail, ttlSeconds)),
    drop: (id) => pass('drop', () => cache.drop(id)),
    ping: () => pass('ping', () => cache.ping()),
    close: () => pass('close', () => cache.close()),
  }
  return recorded
}

/** For `before`: the server says no. */
export function refuse(): never {
  const error = new Error('OOM command not allowed')
  error.name = 'ReplyError'
  throw error
}

/** For `before`: the connection is gone. */
export function disconnect(): never {
  throw new Error('Connection is closed')
}

/** For `before`: no answer, ever. */
export function hang(): Promise<void> {
  return new Promise(() => {})
}
