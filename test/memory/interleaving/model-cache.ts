import type { Cache, CacheEntry, Register, Tail } from '../../../src/memory/cache/cache.ts'

/** The protections of protocol A7 that live in the scripts; each can be switched off. */
export interface ScriptProtections {
  fillNeverLowersMark: boolean
  confirmRefusesHole: boolean
  fillComparesGeneration: boolean
  marksPerBranch: boolean
}

export interface ModelCache extends Cache {
  /** FLUSHALL. */
  flush(): void
  /** One of the two keys is gone, as by its expiry. */
  expire(conversationId: string, key: 'register' | 'tail'): void
  /** What is there now, without a step. */
  peek(conversationId: string): CacheEntry
}

/** The scripts of protocol part A as plainly as they can be written; rows stay opaque and are never trimmed. */
export function createModelCache(on: (protection: keyof ScriptProtections) => boolean, now: () => number): ModelCache {
  const entries = new Map<string, CacheEntry>()

  function entryOf(id: string): CacheEntry {
    const entry = entries.get(id) ?? {}
    entries.set(id, entry)
    return entry
  }

  function raise(register: Register, epoch: number, branch: string, sequence: number): void {
    if (!on('marksPerBranch')) {
      // One (epoch, sequence) pair for the whole conversation instead.
      if (epoch < register.epoch) return
      if (epoch > register.epoch) register.marks = {}
    }
    register.epoch = Math.max(register.epoch, epoch)
    register.marks[branch] = Math.max(register.marks[branch] ?? 0, sequence)
  }

  const opened = (generation: string): Register => ({ generation, epoch: 0, marks: {}, markedAt: 0 })

  return {
    peek: (id) => structuredClone(entries.get(id) ?? {}),
    flush: () => entries.clear(),
    expire: (id, key) => void delete entryOf(id)[key],
    readEntries: async (ids) => ids.map((id) => structuredClone(entries.get(id) ?? {})),
    async open(id, generation) {
      const entry = entryOf(id)
      entry.register ??= opened(generation)
      return structuredClone(entry.register)
    },
    async mark(id, { epoch, branch, sequence }, generation) {
      const entry = entryOf(id)
      entry.register ??= opened(generation)
      raise(entry.register, epoch, branch, sequence)
      entry.register.markedAt = now()
    },
    async confirm(id, { epoch, branch, first, last, tokens, rows }) {
      const { register, tail } = entryOf(id)
      if (register === undefined) return
      raise(register, epoch, branch, last)
      register.markedAt = now()
      if (tail === undefined || tail.generation !== register.generation || tail.branch !== branch) return
      if (tail.last >= last || (on('confirmRefusesHole') && first - 1 > tail.last)) return
      const lines = rows.split(',\n').slice(Math.max(0, tail.last + 1 - first))
      tail.rows = [...(tail.rows === '' ? [] : [tail.rows]), ...lines].join(',\n')
      tail.tokens += on('confirmRefusesHole') && lines.length < last - first + 1 ? tokensOf(lines) : tokens
      tail.last = last
      // As many rows as it says: a reader sees the hole by nothing else than what they say.
      tail.first = last + 1 - tail.rows.split(',\n').length
    },
    async fill(id, tail) {
      const entry = entryOf(id)
      if (on('fillComparesGeneration')) {
        if (entry.register?.generation !== tail.generation) return false
      } else {
        entry.register ??= opened(tail.generation)
        tail = { ...tail, generation: entry.register.generation }
      }
      if (saysNoMore(entry.tail, tail)) return false
      entry.tail = structuredClone(tail)
      const { register } = entry
      if (register === undefined) return false
      if (on('fillNeverLowersMark')) raise(register, tail.epoch, tail.branch, tail.last)
      else register.marks[tail.branch] = tail.last
      return true
    },
    drop: async (id) => void entries.delete(id),
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
