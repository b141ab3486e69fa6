import { type CommandStartedEvent, MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest'
import type { History } from '../../../../src/memory/history/history.ts'
import { mongoClientOptions } from '../../../../src/memory/history/mongo/mongo-database.ts'
import { createMongoHistory } from '../../../../src/memory/history/mongo/mongo-history.ts'
import { createMongoReplies } from '../../../../src/memory/history/mongo/mongo-replies.ts'
import type { ReplyRecords } from '../../../../src/memory/history/reply-record.ts'
import { createConversationId } from '../../../../src/memory/ids.ts'
import { everyHistoryCall } from '../every-history-call.ts'
import { everyReplyCall } from '../every-reply-call.ts'
import { queuedReply, sampleReply } from '../reply-samples.ts'
import { sampleConversation, sampleMessages } from '../stored-samples.ts'
import { databaseUrl, openDatabase } from './mongo-database.ts'

/** Background work of all shards: found by an index that is about time. */
const SWEEPS = [
  'findUnfinishedDeletions',
  'findDueDrops',
  'findLeaseOver',
  'findQueuedLeaseOver',
  'findExpired',
  'findUnlistedBranches',
]

/** By collection what the servers of a cluster are told apart by: one of these in every filter. */
const SHARD_KEYS: Record<string, string[]> = {
  messages: ['conversationId'],
  replies: ['conversationId'],
  conversations: ['_id', 'ownerId'],
  externalIds: ['_id'],
  starts: ['_id'],
}

let history: History
let records: ReplyRecords
let commands: CommandStartedEvent[] = []

beforeAll(async () => {
  const client = await openDatabase('commands', { monitorCommands: true })
  client.on('commandStarted', (event) => commands.push(event))
  history = createMongoHistory(client)
  records = createMongoReplies(client)
  await history.prepare()
  await records.prepare()
  await history.findConversations('ann', [createConversationId()])
  await records.find('ann', sampleReply(createConversationId()).id)
})

afterAll(() => history.close())

/** What a command is sent to which documents with; an inserted document stands for its own filter. */
function filtersOf({ commandName, command }: CommandStartedEvent): { collection: string; filter: object }[] {
  const collection = String(command[commandName])
  return filters(commandName, command).map((filter) => ({ collection, filter }))
}

function filters(commandName: string, command: CommandStartedEvent['command']): object[] {
  if (commandName === 'find') return [command.filter]
  if (commandName === 'insert') return command.documents
  if (commandName === 'update') return command.updates.map(({ q }: { q: object }) => q)
  if (commandName === 'delete') return command.deletes.map(({ q }: { q: object }) => q)
  return commandName === 'getMore' || commandName === 'createIndexes' ? [] : [{ unknown: commandName }]
}

function expectShardKeys(name: string): void {
  for (const { collection, filter } of commands.flatMap(filtersOf)) {
    const keys = SHARD_KEYS[collection] ?? []
    const isNamed = keys.some((key) => isEquality((filter as Record<string, unknown>)[key]))
    expect(isNamed, `${name}: ${collection} ${JSON.stringify(filter)}`).toBe(true)
  }
}

/** A range of a shard key would go to all shards. */
function isEquality(condition: unknown): boolean {
  if (typeof condition === 'string') return true
  return typeof condition === 'object' && condition !== null && '$in' in condition
}

/** Each method alone, and those that do more where there is something to do. */
function everyCall(): Record<string, () => Promise<unknown>> {
  const conversation = sampleConversation({ externalId: 'sharded' })
  const { id } = conversation
  const hints = [{ conversationId: id, branch: '0', hint: { sequence: 1, tokens: 10 } }]
  const list = { ownerId: 'ann', archived: false, limit: 2, from: 'OLDEST' as const }
  return {
    ...everyHistoryCall(history),
    ...Object.fromEntries(Object.entries(everyReplyCall(records)).map(([name, call]) => [name, call])),
    'a creation with an external id': () => history.createConversation(conversation),
    'the same again': () => history.createConversation(sampleConversation({ externalId: 'sharded' })),
    'a look-up by an external id': () => history.findConversationByExternalId('ann', 'sharded'),
    'many conversations': () => history.findConversations('ann', [id, createConversationId()]),
    'a strong look-up': () => history.findConversations('ann', [id], { isStrong: true }),
    'a page from the end': () => history.listConversations({ ...list, older: { lastMessageAt: 5, id } }),
    'a batch of messages': () => history.insertMessages(sampleMessages(id, 1, 9)),
    'a head behind its hint': () => history.readHeads(hints),
    'a removal of messages': () => history.removeMessages(id, 5),
    'a queued reply': () => records.insert(queuedReply(id, 1)),
    'a removal of replies': () => records.remove(id, [sampleReply(id).id]),
    'the ids of replies': () => records.findIds(id, 5),
    'a deletion': () => history.markDeleted('ann', id, 5),
    'the end of a deletion': () => history.removeConversation(id),
  }
}

test('every command names the key by which its collection is sharded, but for the sweeps', async () => {
  for (const [name, call] of Object.entries(everyCall())) {
    commands = []
    await call()
    expect(commands.length, name).toBeGreaterThan(0)
    if (!SWEEPS.includes(name)) expectShardKeys(name)
  }
})

test('every read is of the primary and of what a majority holds, and a strong one is linearizable', async () => {
  for (const [name, call] of Object.entries(everyCall())) {
    commands = []
    await call()
    const reads = commands.filter(({ commandName }) => commandName === 'find')
    const level = name === 'a strong look-up' ? 'linearizable' : 'majority'
    expect(
      reads.map(({ command }) => command.readConcern?.level),
      name,
    ).toEqual(reads.map(() => level))
    const preferences = reads.map(({ command }) => command.$readPreference?.mode ?? 'primary')
    for (const preference of preferences) expect(['primary', 'primaryPreferred'], name).toContain(preference)
  }
})

test('a URL does not change how durable reads and writes are', async () => {
  const query = 'readPreference=secondaryPreferred&readConcernLevel=local&w=1&journal=false'
  const url = `${databaseUrl(inject('mongodbUrl'), 'commands')}&${query}`
  const client = new MongoClient(url, { ...mongoClientOptions(url), monitorCommands: true })
  const own = createMongoHistory(client)
  onTestFinished(() => own.close())
  const sent: CommandStartedEvent['command'][] = []
  client.on('commandStarted', ({ command }) => sent.push(command))
  const { conversation } = await own.createConversation(sampleConversation())
  await own.findConversations('ann', [conversation.id])
  await own.insertMessages(sampleMessages(conversation.id, 1, 2))
  await own.markDeleted('ann', conversation.id, 5)
  const writes = sent.filter((command) => 'insert' in command || 'update' in command)
  expect(writes.map(({ writeConcern }) => writeConcern)).toEqual(writes.map(() => ({ w: 'majority', j: true })))
  const reads = sent.filter((command) => 'find' in command)
  expect(reads.map(({ readConcern }) => readConcern?.level)).toEqual(reads.map(() => 'majority'))
  const modes = reads.map(({ $readPreference }) => $readPreference?.mode)
  expect(modes.filter((mode) => mode?.startsWith('secondary'))).toEqual([])
  expect([writes.length, reads.length]).toEqual([3, 2])
})

test('a hundred conversations with their heads and active replies are four round trips', async () => {
  const made = Array.from({ length: 100 }, (_, index) => {
    return sampleConversation({
      ownerId: 'sidebar',
      lastMessageAt: 1_000 + index,
      heads: { 0: { sequence: 3, tokens: 30 } },
    })
  })
  for (const conversation of made) await history.createConversation(conversation)
  await records.insert(sampleReply(made[7]?.id ?? '', { ownerId: 'sidebar' }))
  commands = []
  const listed = await history.listConversations({ ownerId: 'sidebar', archived: false, limit: 100, from: 'NEWEST' })
  const ids = listed.map(({ id }) => id)
  const hints = ids.map((conversationId) => ({ conversationId, branch: '0', hint: { sequence: 3, tokens: 30 } }))
  const [heads, active] = await Promise.all([history.readHeads(hints), records.findActiveMany('sidebar', ids)])
  expect([heads.length, active.filter(Boolean).length]).toEqual([100, 1])
  expect(commands.map(({ commandName }) => commandName)).toEqual(['find', 'find', 'find'])
})
