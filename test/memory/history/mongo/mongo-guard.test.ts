import { MongoClient, MongoNetworkError, MongoServerError } from 'mongodb'
import { expect, onTestFinished, test, vi } from 'vitest'
import { HistoryUnavailableError } from '../../../../src/errors.ts'
import {
  checkMongoUrl,
  mongoClientOptions,
  mongoDatabase,
} from '../../../../src/memory/history/mongo/mongo-database.ts'
import { createMongoGuard, type MongoReadOptions } from '../../../../src/memory/history/mongo/mongo-guard.ts'
import { ensureIndexes } from '../../../../src/memory/history/mongo/mongo-statements.ts'

const DEADLINE_MS = 1_000

function guardOf(isReplicated: boolean) {
  return createMongoGuard({ hosts: 'db.example:27017', isReplicated: async () => isReplicated }, DEADLINE_MS)
}

async function refusalOf(error: Error): Promise<HistoryUnavailableError> {
  const refusal = await guardOf(true)
    .write(() => Promise.reject(error))
    .catch((reason: unknown) => reason)
  expect(refusal).toBeInstanceOf(HistoryUnavailableError)
  return refusal as HistoryUnavailableError
}

test.each<[boolean, 'STRONG' | undefined, string]>([
  [true, undefined, 'majority'],
  [true, 'STRONG', 'linearizable'],
  [false, undefined, 'local'],
  [false, 'STRONG', 'local'],
])('a read of a server with others (%s) that is %s has the concern %s', async (isReplicated, strength, level) => {
  const options = await guardOf(isReplicated).read(async (given) => given, strength)
  expect(options.readConcern).toEqual({ level })
  // A linearizable read must have an end.
  expect(options.maxTimeMS === undefined).toBe(level !== 'linearizable')
  expect(options.signal.aborted).toBe(false)
})

test('a read that nobody waits for any more is aborted', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate'] })
  onTestFinished(() => void vi.useRealTimers())
  const sent = Promise.withResolvers<MongoReadOptions>()
  const reading = guardOf(true).read((options) => {
    sent.resolve(options)
    return new Promise(() => {})
  })
  const refused = expect(reading).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE', retryable: true })
  const { signal } = await sent.promise
  await vi.advanceTimersByTimeAsync(DEADLINE_MS - 1)
  expect(signal.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(2)
  await refused
  expect(signal.aborted).toBe(true)
})

test('a refusal says which server and why, without what was sent to it', async () => {
  const secret = 'secret of a user'
  const access = new MongoServerError({ message: `not allowed: ${secret}`, code: 13, codeName: 'Unauthorized' })
  expect(await refusalOf(access)).toMatchObject({
    message: 'The history refuses access: its user or password is wrong, or may not do this.',
    retryable: false,
    reason: 'MongoDB db.example:27017: Unauthorized',
  })
  const full = await refusalOf(new MongoServerError({ message: secret, code: 14031, codeName: 'OutOfDiskSpace' }))
  expect(full).toMatchObject({ retryable: false, message: expect.stringContaining('disk is full') })
  expect(full.reason).not.toContain(secret)
  const away = await refusalOf(
    new MongoNetworkError('connect ECONNREFUSED to mongodb://ann:hunter2@10.0.0.1:27017\nstack'),
  )
  expect(away).toMatchObject({ retryable: true, message: 'The history cannot be reached; try again.' })
  expect(away.reason).toBe('MongoDB db.example:27017: connect ECONNREFUSED to mongodb://10.0.0.1:27017')
})

test('indexes have no deadline, and say every ten seconds that they are being made', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const made = Promise.withResolvers<string[]>()
  const createIndexes = vi.fn<(indexes: unknown, options: unknown) => Promise<string[]>>(() => made.promise)
  const collection = { collectionName: 'messages', createIndexes } as unknown as Parameters<typeof ensureIndexes>[0]
  const reports: string[] = []
  const ensured = ensureIndexes(collection, [{ key: { a: 1 } }], guardOf(true), (name) => void reports.push(name))
  await vi.advanceTimersByTimeAsync(600_000)
  expect(reports).toEqual(Array.from({ length: 60 }, () => 'messages'))
  expect(createIndexes.mock.calls[0]?.[1]).toEqual({ socketTimeoutMS: 0 })
  made.resolve([])
  await ensured
  await vi.advanceTimersByTimeAsync(60_000)
  expect(reports).toHaveLength(60)
})

test.each([
  ['readPreference=secondaryPreferred', 'readPreference=secondaryPreferred'],
  ['readPreference=nearest', 'readPreference=nearest'],
  ['readConcernLevel=local', 'readConcernLevel=local'],
  ['readConcernLevel=available', 'readConcernLevel=available'],
  ['w=1', 'w=1'],
  ['w=0', 'w=0'],
  ['journal=false', 'journal=false'],
  ['w=1&readPreference=secondary', 'readPreference=secondary'],
])('a URL that asks for %s is refused with the reason, and without its password', (query, named) => {
  const check = () => checkMongoUrl(`mongodb://ann:hunter2@a.example,b.example/chat?${query}`)
  expect(check).toThrow(named)
  expect(check).toThrow('MONGODB_URL')
  expect(check).not.toThrow('hunter2')
})

test.each([
  'mongodb://ann:hunter2@a.example/chat?nonsense=1',
  'mongodb://ann:hun@ter2@a.example/',
  'mongodb://ann:hun/ter2@a.example/',
  'mongodb://hun/ter2@a.example/',
  'mongodb+srv://hun/ter2@a.example/',
  'mongodb://ann:hun?ter2@a.example/',
  'mongodb://ann:hun%ter2@a.example/',
  'http://a.example/',
])('a URL that the driver cannot read is refused as a setting: %s', (url) => {
  expect(() => checkMongoUrl(url)).toThrow(/^MONGODB_URL cannot be used: /)
  expect(() => checkMongoUrl(url)).not.toThrow('ter2')
})

test.each([
  'mongodb://127.0.0.1:27017/?directConnection=true',
  'mongodb+srv://ann:hunter2@cluster.example/chat?retryWrites=true&w=majority',
  'mongodb://a,b,c/?replicaSet=r&readPreference=primary&readConcernLevel=majority&journal=true',
])('a URL that asks for what is done anyway is taken: %s', (url) => {
  expect(() => checkMongoUrl(url)).not.toThrow()
})

test.each([
  ['mongodb://a,b/chat', { socketTimeoutMS: 4_000, serverSelectionTimeoutMS: 2_000, waitQueueTimeoutMS: 2_000 }],
  ['mongodb://a/chat?sockettimeoutms=9000&waitQueueTimeoutMS=7', { socketTimeoutMS: 9_000, waitQueueTimeoutMS: 7 }],
])('the timeouts of %s are %o', (url, timeouts) => {
  expect(new MongoClient(url, mongoClientOptions(url)).options).toMatchObject(timeouts)
})

test('a call takes as long as the socket timeout of the URL lets it, and half a second', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate'] })
  onTestFinished(() => void vi.useRealTimers())
  for (const [given, deadlineMs] of [
    ['', 4_500],
    ['?socketTimeoutMS=0', 4_500],
    ['?socketTimeoutMS=60000', 60_500],
    ['?socketTimeoutMS=2147483647', 2 ** 31 - 1],
  ] as const) {
    const url = `mongodb://a/chat${given}`
    const { guard } = mongoDatabase(new MongoClient(url, mongoClientOptions(url)))
    const refused = expect(guard.write(() => new Promise(() => {}))).rejects.toThrow('cannot be reached')
    let isOver = false
    void refused.then(() => (isOver = true))
    await vi.advanceTimersByTimeAsync(deadlineMs - 1)
    expect(isOver, given).toBe(false)
    await vi.advanceTimersByTimeAsync(2)
    await refused
  }
})

test('a URL whose password is not encoded says how to write it, and not what it is', () => {
  const check = () => checkMongoUrl('mongodb://ann:pa/ss@word@127.0.0.1/db')
  expect(check).toThrow('percent-encoded (@ is %40)')
  expect(check).not.toThrow(/ss@word/)
})
