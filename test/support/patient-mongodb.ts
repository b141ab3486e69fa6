import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'

/** A busy machine may take as long as it does: these bounds are not what the tests of the shared server are about. */
const BOUNDS = ['socketTimeoutMS', 'serverSelectionTimeoutMS', 'connectTimeoutMS', 'waitQueueTimeoutMS']
const BOUND_MS = 60_000

/** The URL of a server with bounds that fail no call of a test, in whatever process it is opened. */
export function patientUrl(serverUrl: string): string {
  const url = new URL(serverUrl)
  for (const name of BOUNDS) url.searchParams.set(name, String(BOUND_MS))
  return url.href
}

/** The URL of a database of the test's own on the shared server. */
export function ownDatabaseUrl(name: string): string {
  const url = new URL(inject('mongodbUrl'))
  url.pathname = `${name}_${randomUUID()}`
  return url.href
}
