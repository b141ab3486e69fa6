import type { Cache } from '../../../src/memory/cache/cache.ts'

export interface RecordedCache extends Cache {
  /** Names of the methods called, in order. */
  readonly calls: string[]
  /** Called before each; what it throws, the method rejects with, and while it waits, the method does. */
  before: (operation: string, conversationIds: readonly string[]) => Promise<void> | void
}

/** A cache that records what it is asked, and fails or hangs when a test wants it to. */
export function recordCache(cache: Cache): RecordedCache {
  const calls: string[] = []
  async function pass<T>(operation: string, ids: readonly string[], send: () => Promise<T>): Promise<T> {
    calls.push(operation)
    await recorded.before(operation, ids)
    return send()
  }
  const recorded: RecordedCache = {
    calls,
    before: () => {},
    readEntries: (ids) => pass('readEntries', ids, () => cache.readEntries(ids)),
    openEntry: (id, generation) => pass('openEntry', [id], () => cache.openEntry(id, generation)),
    open: (id, generation) => pass('open', [id], () => cache.open(id, generation)),
    mark: (id, mark, generation) => pass('mark', [id], () => cache.mark(id, mark, generation)),
    confirm: (id, appended) => pass('confirm', [id], () => cache.confirm(id, appended)),
    fill: (id, tail, ttlSeconds) => pass('fill', [id], () => cache.fill(id, tail, ttlSeconds)),
    drop: (id, generation) => pass('drop', [id], () => cache.drop(id, generation)),
    ping: () => pass('ping', [], () => cache.ping()),
    close: () => pass('close', [], () => cache.close()),
  }
  return recorded
}

/** For `before`: the server says no. */
export function refuse(): never {
  const error = new Error('OOM command not allowed')
  error.name = 'ReplyError'
  throw error
}

/** For `before`: a server that takes no writes says so. */
export function refuseWrites(): never {
  const error = new Error("READONLY You can't write against a read only replica.")
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
