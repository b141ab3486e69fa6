import type { Cache, CacheEntry, Mark } from '../../../src/memory/cache/cache.ts'
import type { CacheGuard } from '../../../src/memory/cache/cache-guard.ts'
import type { History } from '../../../src/memory/history/history.ts'
import type { ReadSteps, SingleFlightReads } from '../../../src/memory/read/single-flight-reads.ts'
import type { TokenCounter } from '../../../src/memory/tokens/token-counter.ts'
import type { Writer } from '../../../src/memory/writer.ts'
import type { ModelHistory } from './model-history.ts'

/** The protections of protocol A7's table that live outside the scripts. */
export interface NodeProtections {
  markBeforeInsert: boolean
  hitComparesEpoch: boolean
  hitComparesGeneration: boolean
  openBeforeRead: boolean
  dropAfterWrite: boolean
  joinOnlyUnsent: boolean
  markReplays: boolean
}

const UNOPENED = 'unopened'

/** A guard without timeouts: an operation that is lost is a fault, and a lost mark is sent again (A2.4). */
export function createPlainGuard(
  cache: Cache,
  history: ModelHistory,
  on: (protection: keyof NodeProtections) => boolean,
): CacheGuard {
  const kept: Mark[] = []
  const generation = () => `${Math.random()}`

  async function send(id: string, mark: Mark): Promise<void> {
    try {
      await cache.mark(id, mark, generation())
      const index = kept.indexOf(mark)
      if (index >= 0) kept.splice(index, 1)
    } catch {
      kept.push(mark)
      send(id, mark).catch(() => {})
    }
  }

  function seen({ register, tail }: CacheEntry): CacheEntry {
    if (register !== undefined) {
      for (const { epoch, branch, sequence } of kept) {
        register.epoch = Math.max(register.epoch, epoch)
        register.marks[branch] = Math.max(register.marks[branch] ?? 0, sequence)
      }
      if (!on('hitComparesEpoch')) register.epoch = 0
      if (tail !== undefined && !on('hitComparesGeneration')) tail.generation = register.generation
    }
    return { ...(register && { register }), ...(tail && { tail }) }
  }

  return {
    available: true,
    readEntries: async (ids) => (await faultless(cache.readEntries(ids)))?.map(seen),
    open: async (id) =>
      on('openBeforeRead')
        ? faultless(cache.open(id, generation()))
        : { generation: UNOPENED, epoch: 0, marks: {}, markedAt: 0 },
    async mark(id, mark) {
      if (!on('markBeforeInsert')) return
      const isReplay = history.log(mark.branch).some(({ sequence }) => sequence >= mark.sequence)
      if (isReplay && mark.sequence > 0 && !on('markReplays')) return
      const firstTry = cache.mark(id, mark, generation())
      await firstTry.catch(() => {
        kept.push(mark)
        send(id, mark).catch(() => {})
      })
    },
    confirm: async (id, appended) => void (await faultless(cache.confirm(id, appended))),
    async fill(id, tail, ttlSeconds) {
      const opened = tail.generation === UNOPENED ? await faultless(cache.open(id, generation())) : undefined
      const generationNow = opened?.generation ?? tail.generation
      return (await faultless(cache.fill(id, { ...tail, generation: generationNow }, ttlSeconds))) ?? false
    },
    async drop(id) {
      if (!on('dropAfterWrite')) return true
      return (await faultless(cache.drop(id).then(() => true))) ?? false
    },
    close: async () => {},
  }
}

/** Every job at once: the test decides when each arrives. */
export function createPlainWriter(guard: CacheGuard, history: Pick<History, 'raiseHead'>): Writer {
  const start = (job: Promise<unknown>) => void job.catch(() => {})
  return {
    depth: 0,
    dropped: 0,
    fill: (id, tail, ttlSeconds) => start(guard.fill(id, tail, ttlSeconds)),
    confirm: (id, appended) => start(guard.confirm(id, appended)),
    raiseHead: (id, branch, head, at) => start(history.raiseHead(id, branch, head, at)),
    run: (_key, job) => start(job()),
    drain: async () => {},
  }
}

/** Four tokens and one a character. */
export const plainCounter: TokenCounter = {
  countMessages: async (_encoding, drafts) =>
    drafts.map(({ parts }) => 4 + parts.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0)),
  close: async () => {},
}

/** Single flight as libraries have it: who comes joins what is running, also when it was sent before. */
export function createLeakyReads<Need, Prepared, Result>(
  steps: ReadSteps<Need, Prepared, Result>,
): SingleFlightReads<Need, Result> {
  const running = new Map<string, Promise<Result>>()
  async function fly(need: Need): Promise<Result> {
    return steps.send(need, await steps.prepare(need))
  }
  return {
    join(key, need) {
      const landing = running.get(key) ?? fly(need).finally(() => running.delete(key))
      running.set(key, landing)
      return landing
    },
  }
}

async function faultless<T>(operation: Promise<T>): Promise<T | undefined> {
  return operation.catch(() => undefined)
}
