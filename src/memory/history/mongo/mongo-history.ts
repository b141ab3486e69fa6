import type { Collection, MongoClient } from 'mongodb'
import type { History } from '../history.ts'
import { createMongoConversations } from './mongo-conversations.ts'
import { type MongoStoreOptions, mongoDatabase } from './mongo-database.ts'
import {
  CONVERSATION_INDEXES,
  type ConversationDocument,
  MESSAGE_INDEXES,
  type MessageDocument,
} from './mongo-documents.ts'
import { claimOlderIds, createMongoExternalIds, type ExternalIdDocument } from './mongo-external-ids.ts'
import { createMongoMessages } from './mongo-messages.ts'
import { createMongoRedactions } from './mongo-redactions.ts'
import { ensureIndexes } from './mongo-statements.ts'
import { createMongoUnlisted } from './mongo-unlisted.ts'

/** The document of `starts`: each start writes it, and so shows that this user may write. */
interface StartDocument {
  _id: 'last'
  at: Date
}

/**
 * The history in MongoDB, in the database of the client's URL, else in `backscroll`. The client is
 * made with mongoClientOptions and belongs to the history from here on: `close` closes it. While
 * the server is away every call fails within five seconds, or soon after the URL's `socketTimeoutMS`, and works again
 * when it is back; only the indexes that `prepare` makes take as long as they take.
 */
export function createMongoHistory(client: MongoClient, options: MongoStoreOptions = {}): History {
  const { now = Date.now, onIndexing, onUnreadable = () => {} } = options
  const { database, guard } = mongoDatabase(client)
  const conversations = database.collection<ConversationDocument>('conversations')
  const messages = database.collection<MessageDocument>('messages')
  const claims = database.collection<ExternalIdDocument>('externalIds')
  const externalIds = createMongoExternalIds(claims, guard)
  const starts: Collection<StartDocument> = database.collection('starts')

  async function prepare(): Promise<void> {
    await guard.write(() => starts.updateOne({ _id: 'last' }, { $set: { at: new Date(now()) } }, { upsert: true }))
    await ensureIndexes(conversations, CONVERSATION_INDEXES, guard, onIndexing)
    await ensureIndexes(messages, MESSAGE_INDEXES, guard, onIndexing)
    await claimOlderIds(conversations, claims, guard)
  }

  function close(): Promise<void> {
    return guard.write(() => client.close())
  }

  return {
    ...createMongoConversations(conversations, externalIds, guard, { now, onUnreadable }),
    ...createMongoMessages(messages, guard),
    ...createMongoUnlisted(conversations, messages, guard),
    ...createMongoRedactions(conversations, guard, { now, onUnreadable }),
    prepare,
    close,
  }
}
