import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MongoClient } from 'mongodb'
import { mongoClientOptions } from '../../src/memory/history/mongo/mongo-database.ts'
import { contentOf, type NewMessage } from '../../src/memory/message.ts'

/** A store that does the least that keeps messages in order: it counts, checks and tells nothing. */
export interface BareStore {
  /** Behind what this store was given before of the conversation; durable when it returns. */
  append(conversationId: string, messages: readonly NewMessage[]): Promise<void>
  close(): Promise<void>
}

interface BareMessage {
  conversationId: string
  sequence: number
  role: string
  content: string
  createdAt: number
}

/** The plain driver, with the history's write concern and one unique index. */
export async function openBareMongodb(url: string): Promise<BareStore> {
  const client = new MongoClient(url, mongoClientOptions(url))
  const collection = client.db().collection<BareMessage>('bare')
  await collection.createIndex({ conversationId: 1, sequence: 1 }, { unique: true })
  const place = createPlacer()
  return {
    async append(conversationId, messages) {
      const [first, ...more] = place(conversationId, messages)
      if (first === undefined) return
      if (more.length === 0) await collection.insertOne(first)
      else await collection.insertMany([first, ...more], { ordered: true })
    },
    close: () => client.close(),
  }
}

/** A prepared insert, in one transaction a call, as durable as the history's. */
export function openBareSqlite(directory: string): BareStore {
  const database = new DatabaseSync(join(directory, 'bare.db'))
  database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    CREATE TABLE messages (conversationId TEXT, sequence INTEGER, role TEXT, content TEXT, createdAt INTEGER) STRICT;
    CREATE UNIQUE INDEX bySequence ON messages (conversationId, sequence)`)
  const insert = database.prepare(
    'INSERT INTO messages VALUES (:conversationId, :sequence, :role, :content, :createdAt)',
  )
  const place = createPlacer()
  return {
    async append(conversationId, messages) {
      database.exec('BEGIN IMMEDIATE')
      for (const message of place(conversationId, messages)) insert.run({ ...message })
      database.exec('COMMIT')
    },
    close: async () => database.close(),
  }
}

function createPlacer(): (conversationId: string, messages: readonly NewMessage[]) => BareMessage[] {
  const lengths = new Map<string, number>()
  return (conversationId, messages) => {
    const length = lengths.get(conversationId) ?? 0
    lengths.set(conversationId, length + messages.length)
    return messages.map(({ role, parts }, index) => {
      return { conversationId, sequence: length + index + 1, role, content: contentOf(parts), createdAt: Date.now() }
    })
  }
}
