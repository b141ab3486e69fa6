import { readdir, readFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServerRecipe } from './child-service.ts'

const POLL_MS = 2

/** The part of a recipe that is the same for every program of this machine: plain signals, nothing left outside. */
export const localProgram: Pick<ServerRecipe, 'endSignal' | 'signal' | 'cleanUp'> = {
  endSignal: 'SIGKILL',
  signal: async (signal, process) => {
    process.kill(signal)
    if (signal === 'SIGSTOP' && process.pid !== undefined) await untilStopped(process.pid)
  },
  cleanUp: async () => {},
}

/** A signal is on its way when `kill` returns, and each thread stops when it comes to it: until then it answers. */
async function untilStopped(pid: number): Promise<void> {
  if (platform() !== 'linux') return
  while ((await threadStates(pid)).some((state) => state !== 'T')) await delay(POLL_MS)
}

async function threadStates(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`)
  const stats = await Promise.all(threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8')))
  // The state follows the program's name, which stands in brackets and may hold anything.
  return stats.map((stat) => stat.charAt(stat.lastIndexOf(')') + 2))
}
