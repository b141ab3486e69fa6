import { LRUCache } from 'lru-cache'
import {
  type Cache,
  type CacheLimits,
  OPENED_SECONDS,
  REGISTER_EXTRA_SECONDS,
  type Register,
  type Tail,
} from './cache.ts'
import { raiseRegister } from './register.ts'
import { joinTail } from './tail-join.ts'

/** Lifetimes and bounds of the cache in this process. */
export interface LocalCacheLimits extends CacheLimits {
  /** Of memory, about; what was not used for the longest time goes first. */
  maxBytes: number
}

/** Registers have a share of their own: many or large tails must not push out marks. */
const REGISTER_SHARE = 1 / 8

/** The cache in this process, for one node without Redis: the same steps, expiring by `now` (epoch milliseconds). */
export function createLocalCache(limits: LocalCacheLimits, now: () => number): Cache {
  const registerBytes = Math.floor(limits.maxBytes * REGISTER_SHARE)
  const clock = { perf: { now }, ttlResolution: 0 }
  const registers = new LRUCache<string, Register>({ ...clock, maxSize: registerBytes, sizeCalculation: registerSize })
  const tails = new LRUCache<string, Tail>({
    ...clock,
    maxSize: limits.maxBytes - registerBytes,
    sizeCalculation: tailSize,
  })

  function keepRegister(
    conversationId: string,
    register: Register,
    ttlSeconds = limits.ttlSeconds + REGISTER_EXTRA_SECONDS,
  ): void {
    const ttl = Math.max(ttlSeconds * 1000, registers.getRemainingTTL(conversationId))
    registers.set(conversationId, register, { ttl })
  }

  return {
    async readEntries(conversationIds) {
      return conversationIds.map((id) => {
        const register = registers.get(id)
        const tail = tails.get(id)
        return { ...(register && { register }), ...(tail && { tail }) }
      })
    },
    async open(conversationId, generation) {
      const register = registers.get(conversationId) ?? newRegister(generation)
      keepRegister(conversationId, register, OPENED_SECONDS)
      return register
    },
    async mark(conversationId, mark, generation) {
      const register = raiseRegister(registers.get(conversationId) ?? newRegister(generation), [mark])
      keepRegister(conversationId, { ...register, markedAt: now() })
    },
    async confirm(conversationId, appended) {
      const register = registers.get(conversationId)
      if (register === undefined) return
      const { epoch, branch, last } = appended
      keepRegister(conversationId, { ...raiseRegister(register, [{ epoch, branch, sequence: last }]), markedAt: now() })
      const tail = tails.get(conversationId)
      const joined = tail?.generation === register.generation ? joinTail(tail, appended, limits.tailTokens) : undefined
      // Not a fill: the tail keeps the end of its life.
      if (joined) tails.set(conversationId, joined, { ttl: tails.getRemainingTTL(conversationId) })
    },
    async fill(conversationId, tail, ttlSeconds) {
      const register = registers.get(conversationId)
      if (register?.generation !== tail.generation || saysMore(tails.get(conversationId), tail)) return false
      const { epoch, branch, last } = tail
      keepRegister(conversationId, raiseRegister(register, [{ epoch, branch, sequence: last }]))
      tails.set(conversationId, tail, { ttl: ttlSeconds * 1000 })
      return true
    },
    async drop(conversationId) {
      registers.delete(conversationId)
      tails.delete(conversationId)
    },
    async ping() {},
    async close() {
      registers.clear()
      tails.clear()
    },
  }
}

function newRegister(generation: string): Register {
  return { generation, epoch: 0, marks: {}, markedAt: 0 }
}

/** Whether a fill would lose what the tail that is there tells. */
function saysMore(present: Tail | undefined, filled: Tail): boolean {
  if (present === undefined || present.generation !== filled.generation) return false
  if (present.epoch !== filled.epoch) return present.epoch > filled.epoch
  if (present.last !== filled.last) return present.last > filled.last
  return present.knownFrom <= filled.knownFrom
}

/** Measured: about what V8 needs for the value, its key and the cache's own slots. */
function registerSize(register: Register): number {
  return 400 + 60 * Object.keys(register.marks).length
}

/** Two bytes a character, which is what text beyond Latin-1 takes. */
function tailSize(tail: Tail): number {
  return 500 + 100 * tail.forks.length + 2 * tail.rows.length
}
