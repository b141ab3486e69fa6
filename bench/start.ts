import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from '../test/support/free-port.ts'
import { type Contender, compare } from './support/compare.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts')
const BARE = `require('node:http').createServer((_, response) => response.end('{}')).listen(Number(process.env.PORT))`
const MOST_STARTS = 15
const ASK_EVERY_MS = 2
const DEADLINE_MS = 30_000
const TARGET = { atMost: 700 }

/** From the start of the process to its first answer, with nothing configured. */
export async function measureStart(grounds: Grounds): Promise<Finding[]> {
  const slicing = { slices: Math.min(grounds.options.slices, MOST_STARTS), sliceMs: 0 }
  const ours = starter('node src/main.ts', [MAIN], await grounds.directory())
  const bare = starter('bare Node server', ['--eval', BARE], await grounds.directory())
  const found = await compare('start to the first answer', [ours, bare], slicing, 'TIME')
  const [load = 0] = loadavg()
  if (load <= availableParallelism()) return [{ ...found, target: TARGET }]
  grounds.note(`start: no verdict on a busy machine (load ${load.toFixed(1)}); compare with the bare server's start`)
  return [found]
}

function starter(name: string, args: string[], directory: string): Contender {
  let port = 0
  let child: ChildProcess | undefined
  return {
    name,
    async before() {
      port = await findFreePort()
      await rm(join(directory, 'data'), { recursive: true, force: true })
    },
    async run() {
      const env = { PATH: process.env.PATH, PORT: String(port), DATA_DIR: join(directory, 'data') }
      child = spawn(process.execPath, args, { env, stdio: 'ignore' })
      await firstAnswer(`http://127.0.0.1:${port}/graphql`)
    },
    async after() {
      if (child === undefined) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function firstAnswer(url: string): Promise<void> {
  const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"query":"{__typename}"}' }
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    try {
      const response = await fetch(url, request)
      await response.text()
      if (response.ok) return
      throw new Error(`The first answer was ${response.status}`)
    } catch (error) {
      if (performance.now() > deadline || !(error instanceof TypeError)) throw error
      await delay(ASK_EVERY_MS)
    }
  }
}
