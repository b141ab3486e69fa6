import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from '../test/support/free-port.ts'

const startTimeoutMs = 30_000
const stopTimeoutMs = 15_000
const streamTimeoutMs = 30_000
const subscription = 'subscription ($input: SendMessageInput!) { sendMessage(input: $input) { __typename } }'
const query = '{ conversations(first: 1) { edges { node { id } } } }'

await startAskAndStop()

/** `npm start` with nothing set but the place: it must answer, stream a reply, and stop with exit code 0 when it is told to. */
async function startAskAndStop(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'backscroll-smoke-'))
  const port = await findFreePort()
  const { MONGODB_URL, REDIS_URL, OPENAI_API_KEY, OPENAI_BASE_URL, ...rest } = process.env
  const env = { ...rest, PORT: String(port), DATA_DIR: directory }
  // A group of its own, so that nothing is left running when a check below fails.
  const npm = spawn('npm', ['start'], { env, stdio: 'inherit', detached: true })
  const exited = once(npm, 'exit')
  try {
    await untilHealthy(`http://127.0.0.1:${port}/health`, () => npm.exitCode !== null)
    await ask(`http://127.0.0.1:${port}/graphql`)
    await stream(`http://127.0.0.1:${port}/graphql`)
    npm.kill('SIGTERM')
    const [code, signal] = await Promise.race([exited, failAfter(stopTimeoutMs, 'SIGTERM did not stop npm start')])
    if (code !== 0) throw new Error(`npm start ended with ${signal ?? `exit code ${code}`} after SIGTERM.`)
    if (await answers(`http://127.0.0.1:${port}/health`)) throw new Error('The server outlives npm start.')
    console.log('npm start: answered, streamed and stopped.')
  } finally {
    killGroup(npm.pid)
    await rm(directory, { recursive: true, force: true })
  }
}

async function untilHealthy(url: string, hasEnded: () => boolean): Promise<void> {
  const deadline = Date.now() + startTimeoutMs
  while (!(await answers(url))) {
    if (hasEnded()) throw new Error('npm start ended at once.')
    if (Date.now() > deadline) throw new Error(`${url} did not answer within ${startTimeoutMs} ms.`)
    await delay(100)
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok
  } catch {
    return false
  }
}

async function ask(url: string): Promise<void> {
  const headers = { 'content-type': 'application/json', accept: 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) })
  const text = await response.text()
  if (!response.ok || JSON.parse(text).errors) throw new Error(`${query} was answered ${response.status} ${text}`)
}

/** A reply of the demo model, as server-sent events to its end. */
async function stream(url: string): Promise<void> {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
  const input = { externalId: 'smoke', content: 'Hello!', clientMessageId: 'hello' }
  const body = JSON.stringify({ query: subscription, variables: { input } })
  const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(streamTimeoutMs) })
  const text = await response.text()
  const events = [...text.matchAll(/"__typename":"(\w+)"/g)].map(([, name]) => name)
  const isWhole = events[0] === 'ReplyStarted' && events.includes('ReplyDelta') && events.at(-1) === 'ReplyCompleted'
  if (!isWhole) throw new Error(`sendMessage was answered ${response.status} ${text}`)
}

async function failAfter(timeoutMs: number, message: string): Promise<never> {
  await delay(timeoutMs, undefined, { ref: false })
  throw new Error(`${message} within ${timeoutMs} ms.`)
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid) process.kill(-pid, 'SIGKILL')
  } catch {}
}
