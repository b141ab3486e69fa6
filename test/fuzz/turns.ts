import { setTimeout as delay } from 'node:timers/promises'

/** Work that goes on together, but for some that must be alone. */
export interface Turns {
  together<T>(work: () => Promise<T>): Promise<T>
  /** Begins when all else is done; nothing else begins before it is. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

const POLL_MS = 2

export function createTurns(): Turns {
  let together = 0
  let isAlone = false

  async function runTogether<T>(work: () => Promise<T>): Promise<T> {
    while (isAlone) await delay(POLL_MS)
    together += 1
    try {
      return await work()
    } finally {
      together -= 1
    }
  }

  async function runAlone<T>(work: () => Promise<T>): Promise<T> {
    while (isAlone) await delay(POLL_MS)
    isAlone = true
    try {
      while (together > 0) await delay(POLL_MS)
      return await work()
    } finally {
      isAlone = false
    }
  }

  return { together: runTogether, alone: runAlone }
}
