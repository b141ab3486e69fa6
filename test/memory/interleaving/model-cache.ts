import type { AppendedRows, Cache, CacheEntry, Mark, Register, Tail } from '../../../src/memory/cache/cache.ts'
import { newRegister } from '../../../src/memory/cache/register.ts'

/** The life of a tail that a based fill begins where nothing forbids it. */
const DEFAULT_TTL_SECONDS = 3_600

/** The protections of protocol A7 that live in the scripts; each can be switched off. */
export interface ScriptProtections {
  fillNeverLowersMark: boolean
  confirmRefusesHole: boolean
  fillComparesGeneration: boolean
  marksPerBranch: boolean
  dropKeepsMarks: boolean
  basedFillComparesLife: boolean
  basedFillKeepsLife: boolean
}

export interface ModelCache extends Cache {
  /** FLUSHALL. */
  flush(): void
  /** One of the two keys is gone, as by its expiry. */
  expire(conversationId: string, key: 'register' | 'tail'): void
  /** What is there now, without a step. */
  peek(conversationId: string): CacheEntry
}

interface StoredEntry extends CacheEntry {
  /** When the tail's life ends. */
  tailEndsAt: number
}

/**
 * The scripts of protocol part A as plainly as they can be written; rows stay opaque and are never trimmed,
 * and tails alone end with time, `ttlSeconds` after their whole fill.
 */
export function createModelCache(on: (protection: keyof ScriptProtections) => boolean, now: () => number): ModelCache {
  const entries = new Map<string, StoredEntry>()

  function entryOf(id: string): StoredEntry {
    const entry = entries.get(id) ?? { tailEndsAt: 0 }
    if (entry.tailEndsAt <= now()) delete entry.tail
    entries.set(id, entry)
    return entry
  }

  function peek(id: string): CacheEntry {
    const { register, tail } = entryOf(id)
    return structuredClone({ ...(register && { register }), ...(tail && { tail }) })
  }

  function raise(register: Register, epoch: number, branch: string, sequence: number): void {
    if (!on('marksPerBranch')) {
      // One (epoch, sequence) pair for the whole conversation instead.
      if (epoch < register.epoch) return
      if (epoch > register.epoch) register.marks = {}
    }
    if (epoch > register.epoch) register.raisedAt = now()
    register.epoch = Math.max(register.epoch, epoch)
    register.marks[branch] = Math.max(register.marks[branch] ?? 0, sequence)
  }

  async function readEntries(ids: readonly string[]): Promise<CacheEntry[]> {
    return ids.map(peek)
  }

  async function openEntry(id: string, generation: string): Promise<CacheEntry> {
    entryOf(id).register ??= newRegister(generation)
    return peek(id)
  }

  async function open(id: string, generation: string): Promise<Register> {
    const entry = entryOf(id)
    entry.register ??= newRegister(generation)
    return structuredClone(entry.register)
  }

  async function mark(id: string, { epoch, branch, sequence }: Mark, generation: string): Promise<void> {
    const entry = entryOf(id)
    entry.register ??= newRegister(generation)
    raise(entry.register, epoch, branch, sequence)
  }

  async function confirm(id: string, { epoch, branch, first, last, tokens, rows }: AppendedRows): Promise<void> {
    const { register, tail } = entryOf(id)
    if (register === undefined) return
    raise(register, epoch, branch, last)
    if (tail === undefined || tail.generation !== register.generation || tail.branch !== branch) return
    if (tail.last >= last || (on('confirmRefusesHole') && first - 1 > tail.last)) return
    const lines = rows.split(',\n').slice(Math.max(0, tail.last + 1 - first))
    tail.rows = [...(tail.rows === '' ? [] : [tail.rows]), ...lines].join(',\n')
    tail.tokens += on('confirmRefusesHole') && lines.length < last - first + 1 ? tokensOf(lines) : tokens
    tail.last = last
    // As many rows as it says: a reader sees the hole by nothing else than what they say.
    tail.first = last + 1 - tail.rows.split(',\n').length
  }

  async function fill(id: string, filled: Tail, ttlSeconds: number | undefined): Promise<boolean> {
    const entry = entryOf(id)
    let tail = structuredClone(filled)
    if (on('fillComparesGeneration')) {
      if (entry.register?.generation !== tail.generation) return false
    } else {
      entry.register ??= newRegister(tail.generation)
      tail = { ...tail, generation: entry.register.generation }
    }
    const { register, tail: held } = entry
    if (register === undefined || saysNoMore(held, tail)) return false
    const isSameLife = held?.generation === tail.generation && held.life === tail.life
    if (ttlSeconds === undefined && on('basedFillComparesLife') && !isSameLife) return false
    entry.tail = tail
    const isNewLife = ttlSeconds !== undefined || !on('basedFillKeepsLife') || held === undefined
    if (isNewLife) entry.tailEndsAt = now() + (ttlSeconds ?? DEFAULT_TTL_SECONDS) * 1000
    if (on('fillNeverLowersMark')) raise(register, tail.epoch, tail.branch, tail.last)
    else register.marks[tail.branch] = tail.last
    return true
  }

  async function drop(id: string, generation: string): Promise<void> {
    const entry = entryOf(id)
    delete entry.tail
    if (!on('dropKeepsMarks')) delete entry.register
    else if (entry.register !== undefined) entry.register.generation = generation
  }

  return {
    peek,
    flush: () => entries.clear(),
    expire: (id, key) => void delete entryOf(id)[key],
    readEntries,
    openEntry,
    open,
    mark,
    confirm,
    fill,
    drop,
    ping: async () => {},
    close: async () => {},
  }
}

function tokensOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Number.parseInt(line.slice(1), 10), 0)
}

function saysNoMore(held: Tail | undefined, tail: Tail): boolean {
  if (held === undefined || held.generation !== tail.generation) return false
  if (held.epoch !== tail.epoch) return held.epoch > tail.epoch
  if (held.last !== tail.last) return held.last > tail.last
  return held.first <= tail.first
}
