/*
 * Preloaded into a server by `--import`: tells the process that started the server how long a turn of its
 * event loop held the processor, and its memory. The server ends with that process.
 */

/** What a probe answers to each question. */
export interface ProbeReport {
  /** The longest turn since the last reset, in milliseconds of the main thread's processor time. */
  heldMs: number
  /** Bytes that the program holds after a collection: heap, and what lies outside of it. */
  keptBytes: number
}

/** What a probe is asked. `reset` begins a new measurement; `collect` collects garbage before it answers. */
export type ProbeQuestion = 'reset' | 'report' | 'collect'

const EVERY_MS = 2

watch()

function watch(): void {
  let longest = 0
  let before = process.threadCpuUsage()
  function sample(): void {
    const now = process.threadCpuUsage()
    longest = Math.max(longest, now.user + now.system - before.user - before.system)
    before = now
  }
  async function answer(question: ProbeQuestion): Promise<void> {
    if (question === 'reset') longest = 0
    else sample()
    const heldMs = longest / 1_000
    if (question === 'collect') await collect()
    const { heapUsed, external } = process.memoryUsage()
    process.send?.({ heldMs, keptBytes: heapUsed + external } satisfies ProbeReport)
    // A collection that was asked for is no fault of the server.
    before = process.threadCpuUsage()
  }
  setInterval(sample, EVERY_MS).unref()
  process.on('message', (question: ProbeQuestion) => void answer(question))
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  // The server must be able to end by itself.
  process.channel?.unref()
}

/** What lies outside of the heap goes a turn after that which held it. */
async function collect(): Promise<void> {
  for (let round = 0; round < 3; round++) {
    globalThis.gc?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
}
