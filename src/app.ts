import type { Config } from './config.ts'
import type { Log } from './log.ts'
import { DEFAULT_ENCODING } from './memory/encoding.ts'
import type { Memory } from './memory/memory.ts'
import { type OpenMemory, openMemory } from './open-memory.ts'
import { createServer, type Server } from './server.ts'

/** The whole program but its process. */
export interface App {
  /** Opens everything; returns the address that it listens on. Rejects, with nothing left open, when the history is away. */
  start(): Promise<string>
  /** Stops everything in order, each step bounded, all within SHUTDOWN_DEADLINE_MS and a second. */
  stop(): Promise<void>
}

interface Running {
  server: Server
  stores: OpenMemory
  sweeping: NodeJS.Timeout
}

const SWEEP_EVERY_MS = 60_000
/** A message in JSON takes at most so many times its bytes, but for text that is nearly all escapes. */
const BODY_PER_MESSAGE = 4

export function createApp(config: Config, log: Log): App {
  let running: Running | undefined
  return {
    async start() {
      running = await open(config, log)
      try {
        await running.stores.history.prepare()
        const url = await running.server.listen()
        // Loading the vocabulary holds the event loop for 150 ms, once: now, rather than under a later request.
        await running.stores.counter.warm(DEFAULT_ENCODING)
        return url
      } catch (error) {
        await close(running, 0)
        throw error
      }
    },
    async stop() {
      if (running !== undefined) await close(running, config.shutdownDeadlineMs)
    },
  }
}

async function open(config: Config, log: Log): Promise<Running> {
  const stores = await openMemory(config, log)
  const { memory } = stores
  const { host, port, maxMessageBytes } = config
  const server = createServer({ memory, log }, { host, port, maxBodyBytes: BODY_PER_MESSAGE * maxMessageBytes })
  return { server, stores, sweeping: startSweeping(memory, log) }
}

/** One sweep after another; what one leaves undone the next one finds. */
function startSweeping(memory: Memory, log: Log): NodeJS.Timeout {
  let isSweeping = false
  const sweep = async () => {
    if (isSweeping) return
    isSweeping = true
    try {
      await memory.sweep()
    } catch (error) {
      log.warn({ err: error }, 'sweep failed')
    }
    isSweeping = false
  }
  return setInterval(() => void sweep(), SWEEP_EVERY_MS).unref()
}

/** The server first, since it hands work to the writer. */
async function close({ server, stores, sweeping }: Running, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs
  const half = () => Math.max(0, (end - performance.now()) / 2)
  clearInterval(sweeping)
  await server.close(half())
  await stores.close(half())
}
