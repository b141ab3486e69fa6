import { MongoClient, type MongoClientOptions } from 'mongodb'
import { inject } from 'vitest'
import { mongoClientOptions } from '../../../../src/memory/history/mongo/mongo-database.ts'

/** Bounds for tests that are not about them: a busy machine may take as long as it does. */
export const PATIENT = { deadlineMs: 60_000 }

/** The URL of a server with the name of a database. */
export function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = database
  return url.href
}

/** A client of the shared server with an empty database of its own. */
export async function openDatabase(name: string, options: MongoClientOptions = {}): Promise<MongoClient> {
  const url = databaseUrl(inject('mongodbUrl'), name)
  const patience = { socketTimeoutMS: 60_000, serverSelectionTimeoutMS: 60_000, waitQueueTimeoutMS: 60_000 }
  const client = new MongoClient(url, { ...mongoClientOptions(), ...patience, ...options })
  await client.db().dropDatabase()
  return client
}
