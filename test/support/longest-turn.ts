/**
 * The longest time in milliseconds that a turn of the event loop held the processor while some work went
 * on. Processor time, since the delay of a timer grows with whatever else the machine does.
 */
export async function measureLongestTurn(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let before = process.threadCpuUsage()
  const look = () => {
    const now = process.threadCpuUsage()
    longest = Math.max(longest, now.user + now.system - before.user - before.system)
    before = now
  }
  const lookOn = () => {
    look()
    next = setImmediate(lookOn)
  }
  let next = setImmediate(lookOn)
  try {
    await work()
  } finally {
    clearImmediate(next)
    look()
  }
  return longest / 1_000
}
