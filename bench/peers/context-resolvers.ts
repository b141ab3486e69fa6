import { readFileSync } from 'node:fs'
import { loadConfig } from '../../src/config.ts'
import { createLog } from '../../src/log.ts'
import type { Context } from '../../src/memory/context.ts'
import { createLoaders } from '../../src/memory/loader.ts'
import { contentOf, type Message } from '../../src/memory/message.ts'
import { openMemory } from '../../src/open-memory.ts'

/** Whose conversations are served: that of a server without authentication. */
const OWNER_ID = 'local'

/** The arguments of the field; what is left out has the schema's default. */
interface ContextArguments {
  conversationId: string
  maxTokens: number
  startOn: 'ANY' | 'USER'
  anchor: number
  consistency: 'EVENTUAL' | 'STRONG'
}

/** Backscroll's own schema, as it is printed. */
export const TYPE_DEFS = readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8')

/**
 * Resolvers of `recentContext` with all but its parts and conversation, from Backscroll's own memory and
 * loaders on the stores that the environment names, so that only the edge differs.
 */
export async function openContextResolvers() {
  const { memory, prepare, counter } = await openMemory(loadConfig(process.env), createLog('warn', 2))
  await prepare()
  await counter.warm('o200k_base')
  return {
    Query: {
      recentContext: (_: unknown, request: ContextArguments): Promise<Context> =>
        createLoaders(memory, OWNER_ID).context(request),
    },
    Message: {
      content: ({ parts }: Message) => contentOf(parts),
      tokenCount: ({ tokens }: Message) => tokens,
      createdAt: ({ createdAt }: Message) => new Date(createdAt).toISOString(),
      versions: ({ id }: Message) => [id],
    },
  }
}
