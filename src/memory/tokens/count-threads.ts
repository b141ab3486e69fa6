import Tinypool from 'tinypool'
import type { CountTask } from './token-worker.ts'

/** Threads that count, each one task at a time. */
export interface CountThreads {
  /**
   * The tokens of each group of the task. A thread that dies, or gives no answer in time, is replaced and its task done
   * again; rejects where that happens several times.
   */
  run(task: CountTask): Promise<number[]>
  /** Fails what is under way. */
  close(): Promise<void>
}

/** What the threads are like; the file and the deadline are for tests. */
export interface CountThreadsOptions {
  threads: number
  /** A thread that had nothing to count for so long is ended, which frees its memory. */
  idleMs: number
  file?: URL
  /** Of one task, from its beginning. */
  createDeadline?: () => AbortSignal
}

/** The longest task takes a second, and two with the vocabulary to load: this is for threads that hang. */
const TASK_TIMEOUT_MS = 30_000
const MOST_TRIES = 3

/** Tinypool runs a TypeScript file as it is and brings nothing; piscina does the same with more than is used here. */
export function createCountThreads({ threads, idleMs, file, createDeadline }: CountThreadsOptions): CountThreads {
  const deadlineOf = createDeadline ?? (() => AbortSignal.timeout(TASK_TIMEOUT_MS))
  let pool: Tinypool | undefined
  let isClosed = false

  function open(): Tinypool {
    return new Tinypool({
      filename: (file ?? new URL('./token-worker.ts', import.meta.url)).href,
      name: 'countGroups',
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: idleMs,
      // A thread that inherited the flags of a script given by --eval would refuse to load its file.
      execArgv: [],
    })
  }

  async function run(task: CountTask): Promise<number[]> {
    for (let tries = 1; ; tries++) {
      if (isClosed) throw new Error('The token counter is closed.')
      pool ??= open()
      try {
        return await pool.run(task, { signal: deadlineOf() })
      } catch (error) {
        if (isClosed || tries === MOST_TRIES) throw error
      }
    }
  }

  async function close(): Promise<void> {
    isClosed = true
    await pool?.destroy()
  }

  return { run, close }
}
