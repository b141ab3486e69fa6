import { MongoClient, type MongoClientOptions } from 'mongodb'
import { inject } from 'vitest'
import { mongoClientOptions } from '../../../../src/memory/history/mongo/mongo-database.ts'

/** The URL of a server with the name of a database. */
export function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = database
  return url.href
}

/** A client of the shared server with an empty database of its own. */
export async function openDatabase(name: string, options: MongoClientOptions = {}): Promise<MongoClient> {
  const url = databaseUrl(inject('mongodbUrl'), name)
  const client = new MongoClient(url, { ...mongoClientOptions(url), ...options })
  await client.db().dropDatabase()
  return client
}
