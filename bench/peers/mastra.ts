import { Memory } from '@mastra/memory'
import { MongoDBStore } from '@mastra/mongodb'
import { contentOf, type Message } from '../../src/memory/message.ts'
import type { Peer, PeerStores } from '../support/peer.ts'

const RESOURCE = 'owner'
/** About as many messages as 3,000 tokens are: its count window, which is quicker than its own token budget. */
const LAST_MESSAGES = 60
const BATCH = 1_000

/** Mastra: `Memory.recall` with `lastMessages`, on its own MongoDB storage with its default indexes. */
export async function openPeer({ mongodbUrl }: PeerStores): Promise<Peer> {
  const dbName = `mastra${new URL(mongodbUrl).pathname.replace('/', '-')}`
  const storage = new MongoDBStore({ id: 'mastra', uri: mongodbUrl, dbName })
  const memory = new Memory({ storage, options: { lastMessages: LAST_MESSAGES } })
  return {
    name: `Mastra, last ${LAST_MESSAGES} messages`,
    async fill(threadId, messages) {
      await memory.createThread({ threadId, resourceId: RESOURCE })
      for (let first = 0; first < messages.length; first += BATCH) {
        await memory.saveMessages({ messages: messages.slice(first, first + BATCH).map(asMastra) })
      }
    },
    async readContext(threadId) {
      return (await memory.recall({ threadId, resourceId: RESOURCE })).messages
    },
    close: () => storage.close(),
  }
}

function asMastra({ id, conversationId, role, parts, createdAt }: Message) {
  return {
    id,
    threadId: conversationId,
    resourceId: RESOURCE,
    role: role === 'ASSISTANT' ? ('assistant' as const) : ('user' as const),
    createdAt: new Date(createdAt),
    content: { format: 2 as const, parts: [{ type: 'text' as const, text: contentOf(parts) }] },
  }
}
