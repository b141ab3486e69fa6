import { setTimeout as delay } from 'node:timers/promises'
import { findFreePort } from '../../test/support/free-port.ts'
import { spawnOwned } from '../../test/support/owned-process.ts'

/** A server of GraphQL in a process of its own. */
export interface HttpServer {
  port: number
  /** Of its GraphQL. */
  url: string
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 30_000
const POLL_MS = 20

/** Starts a file with PORT and more settings in its environment; resolves when it answers `{__typename}`. */
export async function startHttpServer(
  file: string,
  settings: Record<string, string>,
  args: readonly string[] = [],
): Promise<HttpServer> {
  const port = await findFreePort()
  const variables = Object.entries({ ...settings, PORT: String(port) }).map(([name, value]) => `${name}=${value}`)
  const owned = await spawnOwned(['env', ...variables, process.execPath, file, ...args], 'SIGKILL')
  const url = `http://127.0.0.1:${port}/graphql`
  const deadline = performance.now() + START_TIMEOUT_MS
  while (!(await answers(url))) {
    if (!owned.isAlive() || performance.now() > deadline) throw new Error(`${file} did not start: ${owned.output()}`)
    await delay(POLL_MS)
  }
  return {
    port,
    url,
    async stop() {
      owned.process.kill('SIGKILL')
      await owned.exited
    },
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body: '{"query":"{__typename}"}' })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
