import { onTestFinished } from 'vitest'
import { type Access, type AccessDeps, createAccess } from '../../src/access/access.ts'
import { createChat } from '../../src/chat/chat.ts'
import { createLocalReplyLog } from '../../src/chat/log/local-reply-log.ts'
import type { ChatModel } from '../../src/chat/model/chat-model.ts'
import { createReplies, type Replies, type RepliesLimits } from '../../src/chat/replies.ts'
import type { Memory } from '../../src/memory/memory.ts'
import { createServer, type Server, type ServerLimits } from '../../src/server.ts'
import type { Bounds } from '../../src/transport/bounds/bounds.ts'
import { createGraphqlClient, type GraphqlClient } from './graphql-client.ts'
import { createKeptLog } from './kept-log.ts'
import { type RecordedHistory, recordCalls } from './recorded-history.ts'
import { createScriptedModel } from './scripted-model.ts'
import { type ChangeCounter, INPUT_LIMITS, startTestMemory } from './test-memory.ts'

export interface TestServer {
  server: Server
  access: Access
  origin: string
  memory: Memory
  history: RecordedHistory
  replies: Replies
  /** Names of the methods of the replies' store that were called, in order. */
  replyCalls: string[]
  log: ReturnType<typeof createKeptLog>
  client: GraphqlClient
}

export interface TestServerOptions {
  model?: ChatModel
  limits?: Partial<RepliesLimits>
  bounds?: Partial<Bounds>
  server?: Partial<ServerLimits>
  changeCounter?: ChangeCounter
  access?: Partial<AccessDeps>
}

/** The defaults of the configuration. */
export const QUERY_BOUNDS = { maxQueryCost: 100_000, maxAnswerBytes: 16_777_216, introspection: true }

export const SERVER_LIMITS: ServerLimits = {
  host: '127.0.0.1',
  port: 0,
  corsOrigins: [],
  maxBodyBytes: 2_000_000,
  pingMs: 12_000,
  getQueries: true,
  ...QUERY_BOUNDS,
}

/** Short where a test would wait, long where it would fail. */
const LIMITS: RepliesLimits = {
  firstTokenMs: 120_000,
  idleMs: 120_000,
  replyTimeoutMs: 300_000,
  leaseMs: 120_000,
  checkpointMs: 50,
  heartbeatMs: 120_000,
  queueLimit: 2,
}

/** A server on a free port with a client, both closed when the test ends. `change` may replace parts of its memory. */
export async function startTestServer(
  change: (memory: Memory) => Partial<Memory> = () => ({}),
  {
    model = createScriptedModel(),
    limits,
    bounds = {},
    server: serverLimits,
    changeCounter,
    access: proofs,
  }: TestServerOptions = {},
): Promise<TestServer> {
  const { memory: whole, history, records: unrecorded, counter, stop } = await startTestMemory(changeCounter)
  const replyCalls: string[] = []
  const records = recordCalls(unrecorded, replyCalls)
  const memory = { ...whole, ...change(whole) }
  const log = createKeptLog()
  const replies = createReplies(
    {
      records,
      memory: whole,
      counter,
      model,
      log: createLocalReplyLog(),
      now: Date.now,
      onFault: (replyId, error) => log.warn({ replyId, err: error }, 'a reply met a fault'),
    },
    { ...LIMITS, ...limits },
  )
  const chat = createChat({ replies, memory: whole, now: Date.now }, INPUT_LIMITS)
  const access = createAccess({ log, now: Date.now, ...proofs })
  const server = createServer({ memory, chat, access, log }, { ...SERVER_LIMITS, bounds, ...serverLimits })
  const origin = await server.listen()
  const client = createGraphqlClient(origin)
  onTestFinished(async () => {
    await client.close()
    await replies.stop(500)
    await server.close(1_000)
    await stop()
  })
  return { server, access, origin, memory, history, replies, replyCalls, log, client }
}
