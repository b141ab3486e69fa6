import type { History } from '../../../src/memory/history/history.ts'
import type { ReplyChanges, ReplyPhase, ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { away } from '../../support/reply-stage.ts'
import { isOwnSeal, type ReplyStores } from './protections.ts'

/** What nodes write of replies, by what it is for. */
export const WRITES = [
  'claim',
  'queue',
  'promote',
  'stop',
  'renew',
  'seal',
  'takeOver',
  'end',
  'withdraw',
  'question',
  'answer',
] as const
export type WriteName = (typeof WRITES)[number]

/**
 * What becomes of a write. ANSWERED: it is done. LOST: done, and its answer is lost. FAILED: never done. LATE: it
 * seems to have failed, and is done behind the next one of its kind. PAUSED: it is done when leases are over and
 * another node has looked for them. SLOW: when other nodes have changed something twice, or two ticks later.
 * STALLED: with it, all that its node writes is done only when the game is over.
 */
export const FATES = ['ANSWERED', 'LOST', 'FAILED', 'LATE', 'PAUSED', 'SLOW', 'STALLED'] as const
export type Fate = (typeof FATES)[number]

/** The next write of that name has that fate, whoever sends it. */
export interface Fault {
  write: WriteName
  fate: Fate
}

/** The faults of one game. */
export interface Faults {
  /** The stores of a node whose writes have the fates that are left. */
  storesOf(node: string, stores: ReplyStores): ReplyStores
  /** Resolves at the next write of that name, whatever its fate is. */
  next(write: WriteName): Promise<void>
  /** Resolves when the node stalls. */
  stalled(node: string): Promise<void>
  /** Slow writes go on at the second call, also where nobody else changes anything. */
  tick(): void
  /** From here on every write is answered, but those of nodes that stall. */
  heal(): void
  /** Nodes that stalled go on. */
  resume(): void
}

/** What the game does while a write is held up. */
export interface FaultsDeps {
  /** Leases are over, and no node has seen it yet. */
  passTime(): void
  /** Another node looks for replies whose lease is over. */
  sweep(): Promise<void>
  /** Whether the game goes on without the node. */
  mayStall(node: string): boolean
}

/** Some turns of the event loop, in which whoever is notified of a write looks at it. */
const TURNS = 50

/** Stores whose writes have these fates, in the order in which those of one name are sent. */
export function createFaults(planned: readonly Fault[], { passTime, sweep, mayStall }: FaultsDeps): Faults {
  let left = [...planned]
  const attempts = createSignals<WriteName>()
  /** Of nodes that changed something. */
  const changes = createSignals<string>()
  const blocked = createSignals<'slow'>()
  const stalls = new Map<string, PromiseWithResolvers<void>>()
  const newStalls = createSignals<string>()
  const late = new Map<string, () => Promise<unknown>>()

  function takeFate(name: WriteName): Fate {
    const index = left.findIndex(({ write }) => write === name)
    return left.splice(index, index < 0 ? 0 : 1)[0]?.fate ?? 'ANSWERED'
  }

  async function write<T>(node: string, name: WriteName, send: () => Promise<T>): Promise<T> {
    const fate = takeFate(name)
    attempts.fire(name)
    if (fate === 'STALLED' && mayStall(node)) stall(node)
    await stalls.get(node)?.promise
    if (fate === 'FAILED') throw away()
    if (fate === 'LATE') {
      late.set(node + name, send)
      throw away()
    }
    if (fate === 'PAUSED') {
      passTime()
      await Promise.race([sweep(), blocked.next('slow')])
    }
    if (fate === 'SLOW') {
      blocked.fire('slow')
      // Two must not wait for each other.
      changes.fire('nobody')
      await changes.nextOther(node)
      await changes.nextOther(node)
      for (let turn = 0; turn < TURNS; turn += 1) await new Promise(setImmediate)
    }
    const answer = await send()
    if (answer !== false) changes.fire(node)
    await landLate(node + name)
    if (fate === 'LOST') throw away()
    return answer
  }

  async function landLate(key: string): Promise<void> {
    const send = late.get(key)
    late.delete(key)
    await send?.()
  }

  function stall(node: string): void {
    if (stalls.has(node)) return
    stalls.set(node, Promise.withResolvers())
    passTime()
    newStalls.fire(node)
  }

  function storesOf(node: string, { records, history }: ReplyStores): ReplyStores {
    const insertMessages: History['insertMessages'] = (messages, options) => {
      const name = messages.some(({ role }) => role === 'USER') ? 'question' : 'answer'
      return write(node, name, () => history.insertMessages(messages, options))
    }
    const changed: Partial<ReplyRecords> = {
      insert: (record) => write(node, record.phase === 'QUEUED' ? 'queue' : 'claim', () => records.insert(record)),
      change: (id, from, to) => write(node, nameOf(from, to), () => records.change(id, from, to)),
      renew: (renewals) => write(node, 'renew', () => records.renew(renewals)),
      withdraw: (id) => write(node, 'withdraw', () => records.withdraw(id)),
      withdrawQueued: (id, beat) => write(node, 'withdraw', () => records.withdrawQueued(id, beat)),
    }
    return { records: { ...records, ...changed }, history: { ...history, insertMessages } }
  }

  async function stalled(node: string): Promise<void> {
    if (!stalls.has(node)) await newStalls.next(node)
  }

  function heal(): void {
    left = []
    changes.fire('nobody')
    for (const key of [...late.keys()]) void landLate(key)
  }

  function resume(): void {
    for (const { resolve } of stalls.values()) resolve()
  }

  return { storesOf, next: attempts.next, stalled, tick: () => changes.fire('nobody'), heal, resume }
}

function nameOf(from: { phase: ReplyPhase }, changes: ReplyChanges): WriteName {
  if (changes.phase === 'RUN') return 'promote'
  if (changes.phase === 'STOP') return 'stop'
  if (changes.phase === 'SEALED') return isOwnSeal(changes) ? 'seal' : 'takeOver'
  if (changes.phase === 'ENDED') return 'end'
  return from.phase === 'QUEUED' ? 'queue' : 'renew'
}

/** Promises of what happens next. */
function createSignals<Name extends string>() {
  const waiting = new Set<{ isMeant: (name: Name) => boolean; resolve: () => void }>()

  function wait(isMeant: (name: Name) => boolean): Promise<void> {
    return new Promise((resolve) => waiting.add({ isMeant, resolve }))
  }

  function fire(name: Name): void {
    for (const each of waiting) {
      if (!each.isMeant(name)) continue
      waiting.delete(each)
      each.resolve()
    }
  }

  return {
    fire,
    next: (name: Name) => wait((fired) => fired === name),
    nextOther: (name: Name) => wait((fired) => fired !== name),
  }
}
