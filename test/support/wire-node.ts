import { createChat } from '../../src/chat/chat.ts'
import type { ChatModel } from '../../src/chat/model/chat-model.ts'
import { createReplies, type Replies, type RepliesLimits } from '../../src/chat/replies.ts'
import { loadConfig } from '../../src/config.ts'
import { openAccess } from '../../src/open-access.ts'
import { openMemory } from '../../src/open-memory.ts'
import { createServer } from '../../src/server.ts'
import { createGraphqlClient, type GraphqlClient } from './graphql-client.ts'
import { createKeptLog } from './kept-log.ts'
import { SERVER_LIMITS } from './test-server.ts'

/** A whole server in this process, as the app opens it but for its model, with a client. */
export interface WireNode {
  origin: string
  client: GraphqlClient
  replies: Replies
  log: ReturnType<typeof createKeptLog>
  stop(): Promise<void>
}

/** Short where a test would wait, long where it would fail. */
const LIMITS: RepliesLimits = {
  firstTokenMs: 120_000,
  idleMs: 120_000,
  replyTimeoutMs: 300_000,
  leaseMs: 120_000,
  checkpointMs: 100,
  heartbeatMs: 60_000,
  queueLimit: 4,
}

/** On a busy machine an answer takes longer than the 50 ms after which it counts as none: then events become resets. */
const REDIS_COMMAND_TIMEOUT_MS = '5000'

/** Starts a node on a free port; `env` names its stores as the environment of the program does. */
export async function startWireNode(
  env: Readonly<Record<string, string | undefined>>,
  model: ChatModel,
  limits: Partial<RepliesLimits> = {},
): Promise<WireNode> {
  const config = loadConfig({ REDIS_COMMAND_TIMEOUT_MS, ...env, PORT: '0' })
  const log = createKeptLog()
  const stores = await openMemory(config, log)
  const { memory, records, counter, replyLog } = stores
  await stores.prepare()
  await counter.warm('o200k_base')
  const onFault = (replyId: string, error: unknown) => log.warn({ replyId, err: error }, 'a reply met a fault')
  const deps = { records, memory, counter, log: replyLog, model, now: Date.now, onFault }
  const replies = createReplies(deps, { ...LIMITS, ...limits })
  const chat = createChat({ replies, memory, now: Date.now }, config)
  const server = createServer({ memory, chat, access: await openAccess(config.access, log), log }, SERVER_LIMITS)
  const origin = await server.listen()
  const client = createGraphqlClient(origin)
  return {
    origin,
    client,
    replies,
    log,
    async stop() {
      await client.close()
      await replies.stop(500)
      await server.close(1_000)
      await stores.close(1_000)
    },
  }
}
