import type { MongoClient } from 'mongodb'
import type { History } from '../history.ts'
import { createMongoConversations } from './mongo-conversations.ts'
import { mongoDatabase } from './mongo-database.ts'
import {
  CONVERSATION_INDEXES,
  type ConversationDocument,
  MESSAGE_INDEXES,
  type MessageDocument,
} from './mongo-documents.ts'
import { createMongoMessages } from './mongo-messages.ts'
import { createMongoRedactions } from './mongo-redactions.ts'

/**
 * The history in MongoDB, in the database of the client's URL, else in `backscroll`. The client is
 * made with mongoClientOptions() and belongs to the history from here on: `close` closes it. While
 * the server is away every call fails within five seconds, and works again when it is back.
 */
export function createMongoHistory(client: MongoClient, now: () => number = Date.now): History {
  const { database, guard } = mongoDatabase(client)
  const conversations = database.collection<ConversationDocument>('conversations')
  const messages = database.collection<MessageDocument>('messages')

  return {
    ...createMongoConversations(conversations, guard, now),
    ...createMongoMessages(messages, guard),
    ...createMongoRedactions(conversations, guard, now),

    async prepare() {
      await guard(() => conversations.createIndexes(CONVERSATION_INDEXES))
      await guard(() => messages.createIndexes(MESSAGE_INDEXES))
    },

    close: () => guard(() => client.close()),
  }
}
