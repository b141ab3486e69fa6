import {
  AIMessage,
  type BaseMessage,
  HumanMessage,
  mapChatMessagesToStoredMessages,
  trimMessages,
} from '@langchain/core/messages'
import { MongoDBChatMessageHistory } from '@langchain/mongodb'
import { countTokens } from 'gpt-tokenizer'
import { MongoClient } from 'mongodb'
import { contentOf, type Message } from '../../src/memory/message.ts'
import type { Peer, PeerStores } from '../support/peer.ts'

const CHAT_FRAMING_TOKENS = 4

/**
 * LangChain: `MongoDBChatMessageHistory.getMessages`, then `trimMessages` with the strategy `last`, as its
 * guide to trimming shows, with a token counter for lists of messages.
 */
export async function openPeer({ mongodbUrl }: PeerStores): Promise<Peer> {
  const client = new MongoClient(mongodbUrl)
  const collection = client.db().collection('langchain')
  await collection.createIndex({ sessionId: 1 })
  return {
    name: 'LangChain, trimMessages',
    async fill(sessionId, messages) {
      // What addMessages leaves there, without a growing document being rewritten for every message.
      const stored = mapChatMessagesToStoredMessages(messages.map(asLangChain))
      await collection.insertOne({ sessionId, messages: stored })
    },
    async readContext(sessionId, maxTokens) {
      const messages = await new MongoDBChatMessageHistory({ collection, sessionId }).getMessages()
      return trimMessages(messages, { maxTokens, strategy: 'last', tokenCounter })
    },
    close: () => client.close(),
  }
}

function asLangChain({ id, role, parts }: Message): BaseMessage {
  const fields = { id, content: contentOf(parts) }
  return role === 'ASSISTANT' ? new AIMessage(fields) : new HumanMessage(fields)
}

function tokenCounter(messages: BaseMessage[]): number {
  return messages.reduce((sum, { text }) => sum + countTokens(text) + CHAT_FRAMING_TOKENS, 0)
}
