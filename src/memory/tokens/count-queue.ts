import { type Asker, createFairQueue } from './fair-queue.ts'
import type { CountTask } from './token-worker.ts'

/** What waits for the threads that count. */
export interface CountQueue {
  /** Runs a task in its turn. `isLong`: it is of a call that is to leave a thread to the short ones. */
  add(task: CountTask, characters: number, asker: Asker, isLong: boolean): Promise<number[]>
}

interface Job {
  task: CountTask
  isLong: boolean
  resolve(tokens: Promise<number[]>): void
}

/**
 * Tasks in turns of who asks for them. One thread is never given a long one, since the longest, a text without a single
 * space, cannot be cut and takes most of a second. `threads` is at least 2.
 */
export function createCountQueue(run: (task: CountTask) => Promise<number[]>, threads: number): CountQueue {
  const [short, long] = [createFairQueue<Job>(), createFairQueue<Job>()]
  const running = { all: 0, long: 0 }

  function add(task: CountTask, characters: number, asker: Asker, isLong: boolean): Promise<number[]> {
    return new Promise((resolve) => {
      const queue = isLong ? long : short
      queue.push({ task, isLong, resolve }, characters, asker)
      startNext()
    })
  }

  function startNext(): void {
    while (running.all < threads) {
      const job = (running.long < threads - 1 ? long.shift() : undefined) ?? short.shift()
      if (job === undefined) return
      job.resolve(runJob(job))
    }
  }

  async function runJob({ task, isLong }: Job): Promise<number[]> {
    running.all += 1
    if (isLong) running.long += 1
    try {
      return await run(task)
    } finally {
      running.all -= 1
      if (isLong) running.long -= 1
      startNext()
    }
  }

  return { add }
}
