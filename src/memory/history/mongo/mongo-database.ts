import { type Db, MongoClient, type MongoClientOptions, ReadConcern } from 'mongodb'
import { type ConversationUnreadableError, StartError } from '../../../errors.ts'
import { createMongoGuard, type MongoGuard } from './mongo-guard.ts'

/** How a store in MongoDB is made; everything has a default. */
export interface MongoStoreOptions {
  /** Decides what is past its `expiresAt`. */
  now?: () => number
  /** Called every ten seconds while the indexes of a collection are made. */
  onIndexing?: (collection: string) => void
  /** Called for each conversation that a list or a sweep leaves out, since it cannot be read. */
  onUnreadable?: (error: ConversationUnreadableError) => void
}

/** Ends every call of the driver in bounded time (its own `timeoutMS` does nothing since 7.9). */
const BOUNDS = {
  serverSelectionTimeoutMS: 2_000,
  connectTimeoutMS: 2_000,
  waitQueueTimeoutMS: 2_000,
  socketTimeoutMS: 4_000,
}
/** A call's deadline is so far above the socket's timeout, so that it usually ends with the driver's own error. */
const DEADLINE_AFTER_SOCKET_MS = 500
/** No timer takes more. */
const MOST_MS = 2 ** 31 - 1
/** Of every read and write. The database has them too: parts of a URL win over its client's options. */
const DURABLE = {
  readPreference: 'primary',
  readConcern: new ReadConcern('majority'),
  writeConcern: { w: 'majority', journal: true },
} as const
/** What the driver says when the URL names no database. */
const UNNAMED_DATABASE = 'test'

/**
 * How the history's client must be made: every operation ends in bounded time, what is acknowledged is on the disks
 * of a majority, and reads are as durable as writes. The URL's own timeouts count where it has them. Reads and writes
 * are retried, as is the driver's default, unless the URL says otherwise.
 */
export function mongoClientOptions(url: string): MongoClientOptions {
  const query = new URLSearchParams(url.slice(url.lastIndexOf('?') + 1))
  const given = new Set([...query.keys()].map((name) => name.toLowerCase()))
  const bounds = Object.entries(BOUNDS).filter(([name]) => !given.has(name.toLowerCase()))
  return { appName: 'backscroll', ...Object.fromEntries(bounds), ...DURABLE }
}

/** Throws a StartError that names every part of a MongoDB URL that cannot be kept. */
export function checkMongoUrl(url: string): void {
  const { readPreference, readConcern, writeConcern } = optionsOf(url)
  const mode = readPreference?.mode ?? 'primary'
  const level = readConcern?.level ?? 'majority'
  const { w = 'majority', j = true } = writeConcern ?? {}
  const refused = [
    mode !== 'primary' && `readPreference=${mode}: it reads from the primary`,
    level !== 'majority' && `readConcernLevel=${level}: it reads what a majority holds (level majority)`,
    w !== 'majority' && `w=${String(w)}: it writes to a majority (w=majority)`,
    !j && 'journal=false: what it acknowledges is on disk',
  ].filter((each) => each !== false)
  if (refused.length === 0) return
  const lines = refused.map((each) => `\n  ${each}, so that nothing that it acknowledged is lost or overlooked`)
  throw new StartError(`MONGODB_URL asks for what Backscroll cannot do:${lines.join('')}. Leave it out.`)
}

/** Nothing connects. The driver's messages name the part that is wrong, never a password, but a user name. */
function optionsOf(url: string): MongoClient['options'] {
  try {
    return new MongoClient(url).options
  } catch (error) {
    const access = url.slice(url.indexOf('//') + 2, Math.max(0, url.lastIndexOf('@')))
    const whole = error instanceof Error ? error.message : String(error)
    const message = access === '' ? whole : whole.replaceAll(access, '…')
    const hint = ' In a user name or password, signs like @ : / % are written percent-encoded (@ is %40).'
    throw new StartError(`MONGODB_URL cannot be used: ${message}.${isOfAccess(url) ? hint : ''}`, error)
  }
}

/** Whether a name or password stands in it, which may be what cannot be read. */
function isOfAccess(url: string): boolean {
  return url.includes('@')
}

/** The database of the client's URL, else `backscroll`, and the guard over every call to it. */
export function mongoDatabase(client: MongoClient): { database: Db; guard: MongoGuard } {
  const { dbName, hosts, srvHost, socketTimeoutMS } = client.options
  let replicated: Promise<boolean> | undefined

  /** Asked for once, at the first read. A fault is nothing that it remembers. */
  function isReplicated(): Promise<boolean> {
    replicated ??= readTopology(client).catch((error: unknown) => {
      replicated = undefined
      throw error
    })
    return replicated
  }

  const name = dbName === UNNAMED_DATABASE ? 'backscroll' : dbName
  const database = client.db(name, { ...DURABLE, ignoreUndefined: true })
  // 0 is none to the driver, and here the default.
  const socketMs = socketTimeoutMS || BOUNDS.socketTimeoutMS
  const deadlineMs = Math.min(socketMs + DEADLINE_AFTER_SOCKET_MS, MOST_MS)
  const guard = createMongoGuard({ hosts: srvHost ?? hosts.join(','), isReplicated }, deadlineMs)
  return { database, guard }
}

/** Members of replica sets and routers of sharded clusters say so. */
async function readTopology(client: MongoClient): Promise<boolean> {
  const hello = await client.db('admin').command({ hello: 1 })
  return 'setName' in hello || hello.msg === 'isdbgrid'
}
