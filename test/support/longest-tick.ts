/**
 * The longest time in milliseconds that a tick of the event loop held the processor while some work went
 * on. Processor time, since the delay of a timer grows with whatever else the machine does.
 */
export async function measureLongestTick(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let before = process.threadCpuUsage()
  const sample = () => {
    const now = process.threadCpuUsage()
    longest = Math.max(longest, now.user + now.system - before.user - before.system)
    before = now
  }
  const sampleEachTick = () => {
    sample()
    next = setImmediate(sampleEachTick)
  }
  let next = setImmediate(sampleEachTick)
  try {
    await work()
  } finally {
    clearImmediate(next)
    sample()
  }
  return longest / 1_000
}
