import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { loadConfig } from '../../src/config.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { createGraphqlClient } from '../support/graphql-client.ts'
import { createKeptLog } from '../support/kept-log.ts'
import { newMongodb } from '../support/memory-node.ts'
import { type Service, startRedis } from '../support/services.ts'
import { startSwitchProxy } from '../support/switch-proxy.ts'

/*
 * Redis answers reads and says no to writes, for as long as somebody needs to mend it: a node that only reads would
 * never meet a refusal, and its hits would stay old.
 */
const RECENT = `query ($id: ID!) { recentContext(conversationId: $id) { messages { content } source } }`
/** For a loaded machine. */
const PATIENT = { timeout: 60_000 }

test.each<[string, (admin: Redis) => Promise<unknown>, (admin: Redis) => Promise<unknown>]>([
  [
    'that lacks replicas',
    (admin) => admin.config('SET', 'min-replicas-to-write', '1'),
    (admin) => admin.config('SET', 'min-replicas-to-write', '0'),
  ],
  [
    'whose user may not write any more',
    (admin) => admin.call('ACL', 'SETUSER', 'default', '-@write'),
    (admin) => admin.call('ACL', 'SETUSER', 'default', '+@write'),
  ],
  ['that became a replica', (admin) => admin.replicaof('127.0.0.1', '1'), (admin) => admin.replicaof('NO', 'ONE')],
])('with a Redis %s a node that only reads sees what others append', async (_, refuse, mend) => {
  const redis = await startServer()
  const admin = connectTo(redis)
  const { reader, writer, id } = await startPair(redis.url)
  await refuse(admin)
  await appendTexts(writer.client, id, 'while it refuses')
  await expect.poll(() => reader.contents(id), PATIENT).toContain('while it refuses')
  for (const node of [reader, writer]) {
    await expect.poll(() => node.lines(), PATIENT).toEqual(['the cache is gone: reads go to the history'])
  }
  await mend(admin)
  for (const node of [reader, writer]) await expect.poll(() => node.source(id), PATIENT).toBe('CACHE')
  expect(await reader.contents(id)).toContain('while it refuses')
})

test('behind a failover that leaves connections open, nodes see what others append, and go on with the new Redis', async () => {
  const [first, second] = [await startServer(), await startServer()]
  const [firstAdmin, secondAdmin] = [connectTo(first), connectTo(second)]
  const proxy = await startSwitchProxy(first.url)
  onTestFinished(proxy.close)
  await secondAdmin.replicaof('127.0.0.1', new URL(first.url).port)
  await expect.poll(() => secondAdmin.info('replication'), PATIENT).toContain('master_link_status:up')
  const { reader, writer, id } = await startPair(proxy.url)
  await secondAdmin.replicaof('NO', 'ONE')
  proxy.switchTo(second.url)
  await firstAdmin.replicaof('127.0.0.1', new URL(second.url).port)
  await appendTexts(writer.client, id, 'behind the failover')
  await expect.poll(() => reader.contents(id), PATIENT).toContain('behind the failover')
  // What is cached from here on is in the new one.
  const later = await startConversation(writer.client)
  await appendTexts(writer.client, later, 'one', 'two')
  const isCached = async () => {
    await reader.contents(later)
    return secondAdmin.exists(`bs:v1:{${later}}:tail`)
  }
  await expect.poll(isCached, PATIENT).toBe(1)
})

async function startServer(): Promise<Service> {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  return server
}

function connectTo({ url }: Service): Redis {
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  return redis
}

/** Two nodes on one Redis and one history, which both hold a conversation in the cache. */
async function startPair(redisUrl: string) {
  const { mongodbUrl } = newMongodb()
  const settings = { PORT: '0', MONGODB_URL: mongodbUrl, REDIS_URL: redisUrl, REDIS_COMMAND_TIMEOUT_MS: '2500' }
  const [reader, writer] = [await startNode(settings), await startNode(settings)]
  const id = await startConversation(writer.client)
  await appendTexts(writer.client, id, 'one', 'two')
  for (const node of [reader, writer]) await expect.poll(() => node.source(id), PATIENT).toBe('CACHE')
  return { reader, writer, id }
}

async function startNode(settings: Record<string, string>) {
  const log = createKeptLog()
  const app = createApp(loadConfig(settings), log)
  const client = createGraphqlClient(await app.start())
  onTestFinished(async () => {
    await client.close()
    await app.stop()
  })
  const read = async (id: string) => {
    const { data } = await client.post({ query: RECENT, variables: { id } })
    return (data as { recentContext: { messages: { content: string }[]; source: string } }).recentContext
  }
  return {
    client,
    contents: async (id: string) => (await read(id)).messages.map(({ content }) => content),
    source: async (id: string) => (await read(id)).source,
    lines: () => log.entries.flatMap(({ level, message }) => (level === 'warn' ? [message] : [])),
  }
}
