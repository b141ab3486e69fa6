import { setTimeout as delay } from 'node:timers/promises'
import { loadConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import { DEFAULT_ENCODING } from '../../src/memory/tokens/encoding.ts'
import { type OpenMemory, openMemory } from '../../src/open-memory.ts'
import type { Grounds } from './grounds.ts'

/** A memory as the program opens it, with what rows need to do around their runs. */
export interface Stage extends OpenMemory {
  /** Waits for the background. */
  drain(): Promise<void>
  /** Waits for the background, then drops what is cached of a conversation. */
  forget(conversationId: string): Promise<void>
}

/** Which real stores it is on; what is absent is embedded. */
export interface StageStores {
  redisUrl?: string
  mongodbUrl?: string
}

/** Not the default of 50 ms: on a loaded machine a command may take longer, and a fault is no read. */
const COMMAND_TIMEOUT_MS = 2_000
const DRAIN_DEADLINE_MS = 10_000
const RETRY_MS = 20

/** Opens a memory with the configuration's defaults and nothing in it; whoever opens it closes it. */
export async function openStage(grounds: Grounds, { redisUrl, mongodbUrl }: StageStores): Promise<Stage> {
  const config = loadConfig({
    DATA_DIR: await grounds.directory(),
    REDIS_URL: redisUrl,
    MONGODB_URL: mongodbUrl,
    REDIS_COMMAND_TIMEOUT_MS: String(COMMAND_TIMEOUT_MS),
  })
  const memory = await openMemory(config, createLog('warn', 2))
  await memory.prepare()
  await memory.counter.warm(DEFAULT_ENCODING)
  // The client connects in the background, and until then every command is a fault.
  while (!(await memory.guard.drop('connected'))) await delay(RETRY_MS)
  const drain = () => memory.writer.drain(DRAIN_DEADLINE_MS)
  return {
    ...memory,
    drain,
    async forget(conversationId) {
      await drain()
      await memory.guard.drop(conversationId)
    },
  }
}

/** The URL of a database of the shared MongoDB. */
export async function databaseUrl(grounds: Grounds, database: string): Promise<string> {
  const url = new URL(await grounds.mongodbUrl())
  url.pathname = `/${database}`
  return url.href
}
