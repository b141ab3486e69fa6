import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, createReadStream, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from '../support/free-port.ts'
import type { ProbeQuestion, ProbeReport } from './probe.ts'

/** A server in a process of its own that tells how long it held its event loop and what it keeps in memory. */
export interface ProbedServer {
  origin: string
  port: number
  pid: number
  /** Resolves to undefined when the server does not answer within some seconds, or is not there any more. */
  ask(question: ProbeQuestion): Promise<ProbeReport | undefined>
  /** All that it wrote on both outputs, from a place in bytes on. */
  log(from?: number): Promise<string>
  isAlive(): boolean
  /** SIGTERM, and SIGKILL when it takes too long; how the process ended. Removes what it stored. */
  stop(timeoutMs?: number): Promise<Ending>
}

/** How a process ended: `0`, another exit code, or the name of a signal. */
export type Ending = string

/** Which program is started, and how. */
export interface ProbedServerOptions {
  /** Its main module; this project's by default. */
  main?: string
  env?: Record<string, string>
}

const START_TIMEOUT_MS = 60_000
const STOP_TIMEOUT_MS = 20_000
const ANSWER_TIMEOUT_MS = 5_000
const POLL_MS = 20
const ROOT = join(import.meta.dirname, '../..')

/** Starts a server on a free port of the loopback address, with a new directory for what it stores. */
export async function startProbedServer({ main = 'src/main.ts', env = {} }: ProbedServerOptions = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'backscroll-probed-'))
  const logFile = join(directory, 'log')
  const port = await findFreePort()
  const child = spawnServer(main, logFile, { DATA_DIR: join(directory, 'data'), PORT: String(port), ...env })
  const server = control(child, port, logFile)
  try {
    await untilReady(server)
  } catch (error) {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
    throw error
  }
  return {
    ...server,
    async stop(timeoutMs?: number) {
      const ending = await server.stop(timeoutMs)
      await rm(directory, { recursive: true, force: true })
      return ending
    },
  }
}

function spawnServer(main: string, logFile: string, env: Record<string, string>): ChildProcess {
  const output = openSync(logFile, 'a')
  const probe = join(import.meta.dirname, 'probe.ts')
  const { PATH = '', HOME = '', TMPDIR = '' } = process.env
  const child = spawn(process.execPath, ['--expose-gc', '--import', probe, main], {
    cwd: ROOT,
    env: { PATH, HOME, TMPDIR, ...env },
    stdio: ['ignore', output, output, 'ipc'],
  })
  closeSync(output)
  return child
}

function control(child: ChildProcess, port: number, logFile: string): ProbedServer {
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, signal) => resolve(signal ?? String(code)))
  })
  // A question to a server that is ending fails: the answer is undefined then.
  child.on('error', () => {})
  let isAlive = true
  void ended.then(() => {
    isAlive = false
  })

  async function ask(question: ProbeQuestion): Promise<ProbeReport | undefined> {
    if (!isAlive || !child.connected) return undefined
    const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS)
    const answer = once(child, 'message', { signal }).then(
      ([report]) => report as ProbeReport,
      () => undefined,
    )
    child.send(question)
    return await Promise.race([answer, ended.then(() => undefined)])
  }

  async function stop(timeoutMs = STOP_TIMEOUT_MS): Promise<Ending> {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    const ending = await ended
    clearTimeout(timer)
    return ending
  }

  /** Empty once it is removed. */
  function log(start = 0): Promise<string> {
    return text(createReadStream(logFile, { start })).catch(() => '')
  }

  const origin = `http://127.0.0.1:${port}`
  return {
    origin,
    port,
    pid: child.pid ?? 0,
    ask,
    log,
    isAlive: () => isAlive,
    stop,
  }
}

async function untilReady(server: ProbedServer): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await isReady(server.origin))) {
    if (!server.isAlive() || Date.now() > deadline) throw new Error(`The server did not start: ${await server.log()}`)
    await delay(POLL_MS)
  }
}

async function isReady(origin: string): Promise<boolean> {
  try {
    return (await fetch(`${origin}/ready`)).ok
  } catch {
    return false
  }
}
