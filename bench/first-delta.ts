import OpenAI from 'openai'
import { toChatMessages } from '../src/chat/chat-messages.ts'
import { createOpenAiModel } from '../src/chat/model/openai-model.ts'
import { type Contender, compare } from './support/compare.ts'
import { contextRequest, OWNER_ID, storeConversation } from './support/conversation.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { startModelServer } from './support/model-server.ts'
import { measureOpenStreams } from './support/open-streams.ts'
import { readUntil } from './support/read-until.ts'
import { newReply, openReplies } from './support/replies.ts'
import { databaseUrl, openStage, type Stage } from './support/stage.ts'

const MESSAGES = 1_000
const MESSAGE_BYTES = 200
const MODEL = 'scripted'
const THINKING_MS = 50
const TARGET = { atMost: 3 }

/**
 * How much later the first delta comes through Backscroll than through the SDK alone, from the same
 * upstream. A model thinks first, and the question is stored meanwhile; an upstream that answers at
 * once shows the whole of what there is to wait for.
 */
export async function measureFirstDelta(grounds: Grounds): Promise<Finding[]> {
  const servers = { mongodbUrl: await databaseUrl(grounds, 'firstDelta'), redisUrl: await grounds.redisUrl() }
  const atOnce = await startModelServer(0)
  const thinking = await startModelServer(THINKING_MS)
  try {
    return [
      ...(await measureServers(grounds, await openStage(grounds, servers), atOnce.url, thinking.url)),
      ...(await measureEmbedded(grounds, await openStage(grounds, {}), thinking.url)),
      await measureOpenStreams(grounds),
    ]
  } finally {
    await atOnce.close()
    await thinking.close()
  }
}

async function measureServers(
  { options }: Grounds,
  stage: Stage,
  atOnceUrl: string,
  thinkingUrl: string,
): Promise<Finding[]> {
  try {
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES)
    const insert = async () => {
      await stage.memory.createConversation(OWNER_ID, {}, 'FAIL')
    }
    const ours = throughBackscroll(stage, thinkingUrl, id)
    const sdk = await throughSdk(stage, thinkingUrl, id, 'the SDK alone')
    const behindInsert = await throughSdk(stage, thinkingUrl, id, 'an insert, then the SDK', insert)
    const atOnce = throughBackscroll(stage, atOnceUrl, id)
    const sdkAtOnce = await throughSdk(stage, atOnceUrl, id, 'the SDK alone')
    return [
      await compare(`model thinks ${THINKING_MS} ms, servers`, [ours, sdk], options, 'DIFFERENCE', TARGET),
      await compare(`model thinks ${THINKING_MS} ms, servers`, [ours, behindInsert], options, 'DIFFERENCE'),
      await compare('model answers at once, servers', [atOnce, sdkAtOnce], options, 'DIFFERENCE'),
    ]
  } finally {
    await stage.close(0)
  }
}

async function measureEmbedded({ options }: Grounds, stage: Stage, thinkingUrl: string): Promise<Finding[]> {
  try {
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES)
    const ours = throughBackscroll(stage, thinkingUrl, id)
    const sdk = await throughSdk(stage, thinkingUrl, id, 'the SDK alone')
    return [await compare(`model thinks ${THINKING_MS} ms, embedded`, [ours, sdk], options, 'DIFFERENCE')]
  } finally {
    await stage.close(0)
  }
}

function throughBackscroll(stage: Stage, baseUrl: string, conversationId: string): Contender {
  const replies = openReplies(stage, createOpenAiModel({ baseUrl, model: MODEL }))
  let rest: () => Promise<void>
  return {
    name: 'Backscroll',
    async run() {
      const stream = await replies.send(OWNER_ID, newReply(conversationId), new AbortController().signal)
      rest = await readUntil(stream, ({ type }) => type === 'ReplyDelta')
    },
    async after() {
      await rest()
      await stage.drain()
    },
  }
}

/** With the messages at hand. */
async function throughSdk(
  stage: Stage,
  baseURL: string,
  conversationId: string,
  name: string,
  before?: () => Promise<void>,
): Promise<Contender> {
  const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 })
  const [context] = await stage.memory.readContexts([contextRequest(conversationId)])
  if (context === undefined || context instanceof Error) throw new Error('No context', { cause: context })
  const messages = toChatMessages(context.messages)
  let rest: () => Promise<void>
  return {
    name,
    async run() {
      await before?.()
      const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true })
      rest = await readUntil(stream, ({ choices }) => Boolean(choices[0]?.delta.content))
    },
    after: () => rest(),
  }
}
