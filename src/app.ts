import { type Chat, createChat } from './chat/chat.ts'
import { createReplies, type Replies } from './chat/replies.ts'
import type { Config } from './config.ts'
import type { Log } from './log.ts'
import { DEFAULT_ENCODING } from './memory/tokens/encoding.ts'
import { type OpenMemory, openMemory } from './open-memory.ts'
import { openModel } from './open-model.ts'
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
  replies: Replies
  stores: OpenMemory
  sweeping: NodeJS.Timeout
}

const SWEEP_EVERY_MS = 60_000
/** A message in JSON takes at most so many times its bytes, but for text that is nearly all escapes. */
const BODY_PER_MESSAGE = 4

/** The program that a configuration describes. Nothing opens before `start`. */
export function createApp(config: Config, log: Log): App {
  let running: Running | undefined

  async function start(): Promise<string> {
    running = await open(config, log)
    try {
      await running.stores.prepare()
      const url = await running.server.listen()
      // Loading the vocabulary holds the event loop for 150 ms, once: now, rather than under a later request.
      await running.stores.counter.warm(DEFAULT_ENCODING)
      return url
    } catch (error) {
      await close(running, 0)
      throw error
    }
  }

  async function stop(): Promise<void> {
    if (running !== undefined) await close(running, config.shutdownDeadlineMs)
  }

  return { start, stop }
}

async function open(config: Config, log: Log): Promise<Running> {
  const stores = await openMemory(config, log, 'SERVER')
  const { memory } = stores
  const { replies, chat } = await openChat(config, stores, log)
  const { host, port, maxMessageBytes } = config
  const server = createServer({ memory, chat, log }, { host, port, maxBodyBytes: BODY_PER_MESSAGE * maxMessageBytes })
  const sweeping = startSweeping([() => memory.sweep(), () => replies.sweep()], log)
  return { server, replies, stores, sweeping }
}

async function openChat(
  config: Config,
  { memory, records, counter, replyLog }: OpenMemory,
  log: Log,
): Promise<{ replies: Replies; chat: Chat }> {
  const deps = {
    records,
    memory,
    counter,
    log: replyLog,
    model: await openModel(config),
    now: Date.now,
    onFault: (replyId: string, error: unknown) => log.warn({ replyId, err: error }, 'a reply met a fault'),
    onRecovered: (replyId: string) => log.info({ replyId }, 'a reply goes on after a fault'),
  }
  const replies = createReplies(deps, {
    firstTokenMs: config.modelFirstTokenTimeoutMs,
    idleMs: config.modelIdleTimeoutMs,
    replyTimeoutMs: config.replyTimeoutMs,
    leaseMs: config.replyLeaseMs,
    checkpointMs: config.replyCheckpointMs,
    heartbeatMs: config.replyHeartbeatMs,
    queueLimit: config.replyQueueLimit,
  })
  return { replies, chat: createChat({ replies, memory, now: Date.now }, config) }
}

/** One sweep after another; what one leaves undone the next one finds. */
function startSweeping(sweeps: readonly (() => Promise<void>)[], log: Log): NodeJS.Timeout {
  let isSweeping = false
  const sweepAll = async () => {
    if (isSweeping) return
    isSweeping = true
    for (const sweep of sweeps) {
      await sweep().catch((error: unknown) => log.warn({ err: error }, 'sweep failed'))
    }
    isSweeping = false
  }
  return setInterval(() => void sweepAll(), SWEEP_EVERY_MS).unref()
}

/** Replies first, while their streams can still carry the ending; the server before the writer, to which it gives work. */
async function close({ server, replies, stores, sweeping }: Running, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs
  const half = () => Math.max(0, (end - performance.now()) / 2)
  clearInterval(sweeping)
  server.refuse()
  await replies.stop(half())
  await server.close(half())
  await stores.close(half())
}
