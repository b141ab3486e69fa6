import { createClient } from 'graphql-sse'
import { findFreePort } from './free-port.ts'
import { spawnOwned } from './owned-process.ts'

/** The program as users run it, in a process of its own. */
export interface ServerProcess {
  url: string
  query(query: string, variables?: object): Promise<Record<string, never>>
  /** Every event of a subscription with one field, until it ends, breaks or the signal aborts. */
  stream(query: string, variables: object, signal?: AbortSignal): AsyncIterable<StreamedEvent>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>
  output(): string
}

/** The fields that the tests of processes select, where an event has them. */
export interface StreamedEvent {
  __typename: string
  replyId: string | null
  cursor: string
  offset?: number
  text?: string
  reason?: string
  code?: string
  message?: { id: string; content: string }
  partial?: { id: string; content: string } | null
}

const START_TIMEOUT_MS = 120_000
const POLL_MS = 20

/**
 * Starts a server on a free port and waits until it is ready. On a machine that is busy with others its stores may
 * answer too late for a start: it is started anew, as whatever runs it in production would do.
 */
export async function startServerProcess(env: Record<string, string>, attempts = 3): Promise<ServerProcess> {
  const port = await findFreePort()
  const settings = Object.entries({ ...env, PORT: String(port) }).map(([name, value]) => `${name}=${value}`)
  const owned = await spawnOwned(['env', ...settings, process.execPath, 'src/main.ts'], 'SIGKILL')
  const url = `http://127.0.0.1:${port}`
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await isReady(url))) {
    if (!owned.isAlive() && attempts > 1) return startServerProcess(env, attempts - 1)
    if (!owned.isAlive() || Date.now() > deadline) throw new Error(`The server did not start: ${owned.output()}`)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
  let isKilled = false
  return {
    url,
    output: owned.output,
    async query(query, variables = {}) {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ query, variables }),
      })
      const { data, errors } = (await response.json()) as { data: Record<string, never>; errors?: unknown }
      if (errors !== undefined) throw new Error(JSON.stringify(errors))
      return data
    },
    async *stream(query, variables, signal) {
      const client = createClient({ url: `${url}/graphql`, retryAttempts: 0 })
      signal?.addEventListener('abort', () => client.dispose(), { once: true })
      try {
        for await (const { data } of client.iterate({ query, variables: { ...variables } })) {
          yield Object.values(data ?? {})[0] as StreamedEvent
        }
      } catch (error) {
        // The server was killed: what a client sees of that is up to the moment.
        if (!isKilled && owned.isAlive() && !signal?.aborted) throw error
      } finally {
        client.dispose()
      }
    },
    async kill() {
      isKilled = true
      owned.process.kill('SIGKILL')
      await owned.exited
    },
    async stop() {
      owned.process.kill('SIGTERM')
      await owned.exited
      return owned.process.exitCode
    },
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/ready`)).ok
  } catch {
    return false
  }
}
