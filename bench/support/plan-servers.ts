import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createYoga } from 'graphql-yoga'
import { createAccess } from '../../src/access/access.ts'
import { createChat } from '../../src/chat/chat.ts'
import { createDemoModel } from '../../src/chat/model/demo-model.ts'
import { createLog } from '../../src/log.ts'
import { createLoaders } from '../../src/memory/loader.ts'
import { createSchema } from '../../src/schema/schema.ts'
import { createServer } from '../../src/server.ts'
import { createErrorMask } from '../../src/transport/error-mask.ts'
import { openReplies } from './replies.ts'
import type { Stage } from './stage.ts'

/** Servers of one memory in this process, on ports of their own. */
export interface PlanServers {
  /** Where each listens, as `http://host:port`. */
  backscroll: string
  /** Yoga with the schema, the context and the mask alone. */
  stock: string
  /** The same without what costs much and Backscroll does otherwise. */
  tuned: string
  close(): Promise<void>
}

const HOST = '127.0.0.1'
/** The owner that the server knows. */
export const SERVER_OWNER = 'local'
const LIMITS = { maxContextTokens: 200_000, maxMessageBytes: 1_048_576 }
const QUERY_BOUNDS = { maxQueryCost: 100_000, maxAnswerBytes: 16_777_216, introspection: true }
const COSTLY_OFF = { maxRequestBodySize: false, cors: false, multipart: false, landingPage: false } as const

/** Whoever opens them closes them, before the stage. */
export async function openPlanServers(stage: Stage): Promise<PlanServers> {
  const { memory } = stage
  const log = createLog('warn', 2)
  const replies = openReplies(stage, createDemoModel())
  const chat = createChat({ replies, memory, now: Date.now }, LIMITS)
  const server = createServer(
    { memory, chat, access: createAccess({ log, now: Date.now }), log },
    {
      host: HOST,
      port: 0,
      corsOrigins: [],
      maxBodyBytes: 4_000_000,
      pingMs: 12_000,
      getQueries: true,
      ...QUERY_BOUNDS,
    },
  )
  const context = () => ({ ownerId: SERVER_OWNER, memory, chat, loaders: createLoaders(memory, SERVER_OWNER) })
  const options = { schema: createSchema(), context, maskedErrors: { maskError: createErrorMask(log) }, logging: false }
  const yogas = [await listen(createYoga(options)), await listen(createYoga({ ...options, ...COSTLY_OFF }))] as const
  return {
    backscroll: await server.listen(),
    stock: yogas[0].origin,
    tuned: yogas[1].origin,
    async close() {
      for (const { close } of yogas) close()
      await server.close(0)
      await replies.stop(0)
    },
  }
}

async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<{ origin: string; close(): void }> {
  const http = createHttpServer((request, response) => void handle(request, response)).listen(0, HOST)
  await once(http, 'listening')
  return {
    origin: `http://${HOST}:${(http.address() as AddressInfo).port}`,
    close() {
      http.closeAllConnections()
      http.close()
    },
  }
}
