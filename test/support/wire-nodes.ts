import { inject, onTestFinished } from 'vitest'
import type { ChatModel } from '../../src/chat/model/chat-model.ts'
import type { RepliesLimits } from '../../src/chat/replies.ts'
import { ownDatabaseUrl } from './patient-mongodb.ts'
import { createScriptedModel } from './scripted-model.ts'
import { startWireNode, type WireNode } from './wire-node.ts'

/** Two nodes with one model, on one Redis and one MongoDB. */
export interface WireNodes<Model extends ChatModel> {
  nodes: readonly [WireNode, WireNode]
  model: Model
}

/** The environment of servers on the shared MongoDB, with a database of their own, and on a Redis: the shared one unless given. */
export function sharedStores(redisUrl: string = inject('redisUrl')): Record<string, string> {
  return { MONGODB_URL: ownDatabaseUrl('streams'), REDIS_URL: redisUrl }
}

/** Starts both; they stop when the test ends. */
export async function startWireNodes(
  env: Record<string, string> = sharedStores(),
  limits: Partial<RepliesLimits> = {},
): Promise<WireNodes<ReturnType<typeof createScriptedModel>>> {
  const model = createScriptedModel()
  const start = async () => {
    const node = await startWireNode(env, model, limits)
    onTestFinished(() => node.stop())
    return node
  }
  return { nodes: [await start(), await start()], model }
}
