import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'

/** A child process that does not outlive this one, with the end of its output. */
export interface OwnedProcess {
  process: ChildProcess
  exited: Promise<void>
  isAlive(): boolean
  output(): string
}

const run = promisify(execFile)
const keptOutput = 8_000

/** Spawns a command; `endSignal` ends it with this process, on Linux (util-linux) even if this process is killed. */
export async function spawnOwned(command: string[], endSignal: 'SIGTERM' | 'SIGKILL'): Promise<OwnedProcess> {
  const [program = '', ...args] = [...(await deathSignalPrefix(endSignal)), ...command]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-keptOutput)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)

  const killWithUs = () => child.kill(endSignal)
  process.once('exit', killWithUs)
  let alive = true
  const exited = new Promise<void>((resolve) => {
    const end = () => {
      alive = false
      process.off('exit', killWithUs)
      resolve()
    }
    child.once('exit', end)
    child.once('error', (error) => {
      output += String(error)
      end()
    })
  })
  return { process: child, exited, isAlive: () => alive, output: () => output }
}

/** The kernel kills the child when the thread that started it ends: that is the main thread, here and in a test. */
async function deathSignalPrefix(endSignal: string): Promise<string[]> {
  const args = ['--pdeathsig', endSignal.replace('SIG', ''), '--']
  try {
    await run('setpriv', [...args, 'true'])
    return ['setpriv', ...args]
  } catch {
    return []
  }
}
