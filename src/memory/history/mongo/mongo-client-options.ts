import type { MongoClientOptions } from 'mongodb'

/**
 * How the history's client must be made: every operation ends in bounded time (the driver's own
 * `timeoutMS` does nothing since 7.9), and what is acknowledged is on the disks of a majority. Reads and
 * writes are retried, as is the driver's default, unless the URL says otherwise.
 */
export function mongoClientOptions(): MongoClientOptions {
  return {
    appName: 'backscroll',
    serverSelectionTimeoutMS: 2_000,
    connectTimeoutMS: 2_000,
    waitQueueTimeoutMS: 2_000,
    socketTimeoutMS: 4_000,
    writeConcern: { w: 'majority', journal: true },
  }
}
