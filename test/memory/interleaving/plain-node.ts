import type { Cache, CacheEntry, Mark, Register, Tail } from '../../../src/memory/cache/cache.ts'
import type { CacheGuard } from '../../../src/memory/cache/cache-guard.ts'
import { newRegister, raiseRegister } from '../../../src/memory/cache/register.ts'
import type { History } from '../../../src/memory/history/history.ts'
import {
  createSingleFlightReads,
  type ReadSteps,
  type SingleFlightReads,
} from '../../../src/memory/read/single-flight-reads.ts'
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
  secondLook: boolean
  entrySentLast: boolean
  baseOfOwnGeneration: boolean
  dropDueRefuses: boolean
}

type IsOn = (protection: keyof NodeProtections) => boolean

const UNOPENED = 'unopened'

/**
 * A guard without timeouts: an operation that is lost is a fault, and a lost mark or drop is sent again;
 * until a drop is answered its node reads no tail (A2.4, A4).
 */
export function createPlainGuard(cache: Cache, history: ModelHistory, on: IsOn): CacheGuard {
  const unsentMarks: Mark[] = []
  let unsentDrops = 0
  let seenTail: Tail | undefined
  const generation = () => `${Math.random()}`

  async function sendMark(id: string, mark: Mark): Promise<void> {
    await cache.mark(id, mark, generation()).catch(() => sendMark(id, mark))
  }

  async function sendDrop(id: string): Promise<void> {
    await cache.drop(id, generation()).catch(() => sendDrop(id))
  }

  function asSeen({ register, tail }: CacheEntry): CacheEntry {
    const seen = { ...(register && { register: raiseRegister(register, unsentMarks, 0) }) }
    if (tail === undefined || unsentDrops > 0) return seen
    if (seen.register && !on('hitComparesEpoch')) seen.register.epoch = 0
    if (seen.register && !on('hitComparesGeneration')) tail.generation = seen.register.generation
    seenTail = tail
    return { ...seen, tail }
  }

  /** Without its protection a base is compared with nothing: as if it were of what was opened. */
  function asOpened(register: Register | undefined): Register | undefined {
    if (register && seenTail && !on('baseOfOwnGeneration')) seenTail.generation = register.generation
    return register
  }

  async function readEntries(ids: readonly string[]): Promise<CacheEntry[] | undefined> {
    return (await faultless(cache.readEntries(ids)))?.map(asSeen)
  }

  async function openEntry(id: string): Promise<CacheEntry | undefined> {
    const entry = await faultless(cache.openEntry(id, generation()))
    return entry && asSeen(entry)
  }

  async function open(id: string): Promise<Register | undefined> {
    if (!on('openBeforeRead')) return newRegister(UNOPENED)
    return asOpened(await faultless(cache.open(id, generation())))
  }

  async function mark(id: string, intended: Mark): Promise<void> {
    if (!on('markBeforeInsert')) return
    const isReplay = history.log(intended.branch).some(({ sequence }) => sequence >= intended.sequence)
    if (isReplay && intended.sequence > 0 && !on('markReplays')) return
    try {
      await cache.mark(id, intended, generation())
    } catch {
      unsentMarks.push(intended)
      void sendMark(id, intended).then(() => unsentMarks.splice(unsentMarks.indexOf(intended), 1))
    }
  }

  async function fill(id: string, tail: Tail, ttlSeconds: number | undefined): Promise<boolean> {
    const opened = tail.generation === UNOPENED ? await faultless(cache.open(id, generation())) : undefined
    const generationNow = opened?.generation ?? tail.generation
    return (await faultless(cache.fill(id, { ...tail, generation: generationNow }, ttlSeconds))) ?? false
  }

  async function drop(id: string): Promise<boolean> {
    if (!on('dropAfterWrite')) return true
    const isAnswered = (await faultless(cache.drop(id, generation()).then(() => true))) ?? false
    if (!isAnswered) {
      unsentDrops += 1
      void sendDrop(id).then(() => (unsentDrops -= 1))
    }
    return isAnswered
  }

  return {
    available: true,
    readEntries,
    openEntry,
    open,
    mark,
    confirm: async (id, appended) => void (await faultless(cache.confirm(id, appended))),
    fill,
    drop,
    close: async () => {},
  }
}

/** Every job at once: the test decides when each arrives. */
export function createPlainWriter(guard: CacheGuard, history: Pick<History, 'raiseHead'>, on: IsOn): Writer {
  const start = (job: Promise<unknown>) => void job.catch(() => {})
  const fill: Writer['fill'] = (id, tail, ttlSeconds, isStillTrue) => {
    const looked = isStillTrue && on('secondLook') ? isStillTrue() : Promise.resolve(true)
    start(looked.then((isTrue) => isTrue && guard.fill(id, tail, ttlSeconds)))
  }
  return {
    depth: 0,
    dropped: 0,
    fill,
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
  admit: () => () => {},
  close: async () => {},
}

/** The reads that the protections ask for. */
export function createReadsWith(on: IsOn) {
  return <Need, Result>(steps: ReadSteps<Need, Result>): SingleFlightReads<Need, Result> => {
    if (!on('joinOnlyUnsent')) return createLeakyReads(steps)
    if (on('entrySentLast')) return createSingleFlightReads(steps)
    // Whoever joined last, with the larger of the budgets.
    const merge = (planned: Need, joining: Need) => ({ ...steps.merge(planned, joining), ...entryOf(joining) })
    return createSingleFlightReads({ ...steps, merge })
  }
}

function entryOf(need: unknown): { entry?: CacheEntry | undefined } {
  return typeof need === 'object' && need !== null && 'entry' in need ? { entry: need.entry as CacheEntry } : {}
}

/** Single flight as libraries have it: who comes joins what is running, also when it was sent before. */
function createLeakyReads<Need, Result>({ send }: ReadSteps<Need, Result>): SingleFlightReads<Need, Result> {
  const running = new Map<string, Promise<Result>>()
  return {
    join(key, need) {
      const result = running.get(key) ?? send(need).finally(() => running.delete(key))
      running.set(key, result)
      return result
    },
  }
}

async function faultless<T>(operation: Promise<T>): Promise<T | undefined> {
  return operation.catch(() => undefined)
}
