/** What held the event loop while some work went on, in processor time of this thread and of the whole process. */
export interface LoopUse {
  /** Of the tick that took longest, in milliseconds. */
  longestTickMs: number
  /** The part of all the process' processor time that this tick took, from 0 to 1: what busy machines slow down alike. */
  longestTickShare: number
}

/** Measures the ticks of the event loop during some work. The delay of a timer would grow with what else the machine does. */
export async function measureLongestTick(work: () => Promise<unknown>): Promise<LoopUse> {
  let longest = 0
  const begin = process.cpuUsage()
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
  const { user, system } = process.cpuUsage(begin)
  return { longestTickMs: longest / 1_000, longestTickShare: longest / (user + system) }
}
