import { randomUUID } from 'node:crypto'
import { MongoClient, type MongoClientOptions } from 'mongodb'
import { inject } from 'vitest'
import { mongoClientOptions } from '../../src/memory/history/mongo/mongo-database.ts'

/** Bounds for tests that are not about them: a busy machine may take as long as it does. */
export const PATIENT = { deadlineMs: 60_000 }

const CLIENT_BOUNDS = { socketTimeoutMS: 60_000, serverSelectionTimeoutMS: 60_000, waitQueueTimeoutMS: 60_000 }

/** A client as the history's own, but with these bounds; stores on it are made with `PATIENT`. */
export function createPatientClient(url: string, options: MongoClientOptions = {}): MongoClient {
  return new MongoClient(url, { ...mongoClientOptions(), ...CLIENT_BOUNDS, ...options })
}

/** The URL of a database of the test's own on the shared server. */
export function ownDatabaseUrl(name: string): string {
  const url = new URL(inject('mongodbUrl'))
  url.pathname = `${name}_${randomUUID()}`
  return url.href
}
