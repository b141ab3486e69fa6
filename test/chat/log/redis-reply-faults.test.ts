import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { textChannel } from '../../../src/chat/log/redis-reply-store.ts'
import { createConversationId, createReplyId } from '../../../src/memory/ids.ts'
import {
  type RedisReplyNode,
  type RedisReplyNodeOptions,
  startRedisReplyNode,
} from '../../support/redis-reply-nodes.ts'
import { followReply, type ReplyReader, writeReply } from '../../support/reply-reader.ts'
import { type Service, startRedis } from '../../support/services.ts'
import { realisticText } from '../../support/texts.ts'
import { WAIT } from './reply-log-suite.ts'

let server: Service
let client: Redis
let nodes: RedisReplyNode[]
let id: string

beforeAll(async () => {
  server = await startRedis()
  client = new Redis(server.url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => undefined)
})
afterAll(async () => {
  client.disconnect()
  await server.stop()
})
beforeEach(() => {
  nodes = []
  id = createReplyId(createConversationId())
})
afterEach(async () => {
  for (const node of nodes) await node.stop()
})

async function startNode(options: RedisReplyNodeOptions = {}): Promise<RedisReplyNode> {
  const node = await startRedisReplyNode(server.url, { commandTimeout: 5_000, ...options })
  nodes.push(node)
  return node
}

async function listen({ log }: RedisReplyNode, replyId = id): Promise<ReplyReader> {
  const reader = followReply(log, replyId)
  await expect.poll(() => reader.notified, WAIT).toBe(1)
  return reader
}

async function untilText(reader: ReplyReader, text: string): Promise<void> {
  await expect.poll(() => reader.text, WAIT).toBe(text)
  expect(reader).toMatchObject({ gaps: 0, repeated: 0 })
}

test('what a flushed Redis has lost is written again with the next text', async () => {
  const [owner, other] = [await startNode(), await startNode()]
  const reader = await listen(other)
  const end = writeReply(owner.log, id, ['Hello', ', '])
  await untilText(reader, 'Hello, ')
  await client.flushall()
  writeReply(owner.log, id, ['world'], end)
  await untilText(reader, 'Hello, world')
  await untilText(await listen(other), 'Hello, world')
  expect([owner.faults, other.faults]).toEqual([[], []])
})

test('text that was published and then lost by the store is made good by the next text', async () => {
  const [owner, other] = [await startNode(), await startNode()]
  const end = writeReply(owner.log, id, ['Hello', ', '])
  await expect.poll(() => client.xlen(textChannel(id)), WAIT).toBe(1)
  await client.flushall()
  const reader = await listen(other)
  expect(reader.text).toBe('')
  writeReply(owner.log, id, ['world'], end)
  await untilText(reader, 'Hello, world')
})

test('a restarted Redis: the owner brings it up to date, and readers are notified to read the record', async () => {
  const [owner, other] = [await startNode(), await startNode()]
  const reader = await listen(other)
  const end = writeReply(owner.log, id, ['Hello', ', '])
  await untilText(reader, 'Hello, ')
  await server.kill()
  writeReply(owner.log, id, ['wor', 'ld'], end)
  await expect.poll(() => owner.faults.length, WAIT).toBeGreaterThan(0)
  await server.restart()
  await untilText(reader, 'Hello, world')
  await expect.poll(() => reader.notified, WAIT).toBeGreaterThanOrEqual(2)
})

test('when Redis restarts and the owner is gone, a notification leads to the record', async () => {
  const [owner, other] = [await startNode(), await startNode()]
  let record = ''
  let text = ''
  other.log.follow(id, {
    onText: (offset, piece) => {
      text = text.slice(0, offset) + piece
    },
    onNotify: () => {
      if (record.length > text.length) text = record
    },
  })
  owner.log.write(id, 0, 'Hello')
  await expect.poll(() => text, WAIT).toBe('Hello')
  await server.kill()
  owner.log.write(id, 5, ', world')
  owner.log.end(id)
  await owner.log.close()
  expect(text).toBe('Hello')
  record = 'Hello, world'
  await server.restart()
  await expect.poll(() => text, WAIT).toBe('Hello, world')
})

test('while Redis hangs, writes only gather text, and all that is new comes when it goes on', async () => {
  const [owner, other] = [await startNode({ commandTimeout: 50 }), await startNode()]
  const reader = await listen(other)
  let text = 'Hello'
  owner.log.write(id, 0, text)
  await untilText(reader, text)
  await server.pause()
  const before = owner.sent.commands
  for (let index = 0; index < 10_000; index += 1) {
    const piece = ` ${index}`
    owner.log.write(id, text.length, piece)
    text += piece
    if (index % 100 === 0) await setImmediate()
  }
  await expect.poll(() => owner.faults.length, WAIT).toBeGreaterThanOrEqual(7)
  expect(owner.sent.commands - before).toBeLessThanOrEqual(owner.faults.length + 1)
  await server.resume()
  await untilText(reader, text)
  await untilText(await listen(other), text)
})

test('a node with many replies sends one command at a time to a Redis that stays silent', async () => {
  const owner = await startNode({ commandTimeout: 50, retryMs: 5 })
  await server.pause()
  const replyIds = Array.from({ length: 200 }, () => createReplyId(createConversationId()))
  for (const replyId of replyIds) owner.log.write(replyId, 0, 'Hello')
  await expect.poll(() => owner.faults.length, WAIT).toBeGreaterThanOrEqual(200)
  const before = owner.sent.commands
  await expect.poll(() => owner.faults.length, WAIT).toBeGreaterThanOrEqual(203)
  expect(owner.sent.commands - before).toBeLessThanOrEqual(5)
  await server.resume()
  for (const replyId of replyIds) await expect.poll(() => client.exists(textChannel(replyId)), WAIT).toBe(1)
})

test('a subscribed connection that was cut misses no text, and notifies', async () => {
  const [owner, other] = [await startNode(), await startNode()]
  const reader = await listen(other)
  const notified = vi.fn()
  other.log.follow(id, { onNotify: notified })
  await expect.poll(() => notified.mock.calls.length, WAIT).toBe(1)
  let text = ''
  for (let round = 0; round < 5; round += 1) {
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    const piece = `round ${round}, `
    owner.log.write(id, text.length, piece)
    text += piece
    await untilText(reader, text)
    await expect
      .poll(() => Math.min(reader.notified, notified.mock.calls.length), WAIT)
      .toBeGreaterThanOrEqual(round + 2)
  }
})

test('without Redis, notifications and ends reach this node at once, and the others when it is back', async () => {
  const [owner, other] = [await startNode(), await startNode()]
  const [near, far] = [await listen(owner), await listen(other)]
  await disconnect(owner.redis)
  owner.log.notify(id)
  await expect.poll(() => near.notified, WAIT).toBe(2)
  owner.log.end(id)
  await expect.poll(() => near.notified, WAIT).toBe(3)
  expect(far.notified).toBe(1)
  await owner.redis.connect()
  await expect.poll(() => far.notified, WAIT).toBeGreaterThanOrEqual(2)
})

test('notifications of ended replies are given up in the end', async () => {
  const owner = await startNode({ mostTries: 3 })
  await disconnect(owner.redis)
  writeReply(owner.log, id, ['Hello'])
  owner.log.end(id)
  const running = createReplyId(createConversationId())
  writeReply(owner.log, running, ['Hello'])
  await expect.poll(() => owner.faults.length, WAIT).toBeGreaterThanOrEqual(10)
  await owner.redis.connect()
  await expect.poll(() => client.exists(textChannel(running)), WAIT).toBe(1)
  expect(await client.exists(textChannel(id))).toBe(0)
})

test('following that begins without Redis begins when it is back', async () => {
  const [owner, other] = [await startNode(), await startNode()]
  await server.kill()
  await expect.poll(() => other.subscriber.status, WAIT).not.toBe('ready')
  const reader = followReply(other.log, id)
  const gone = followReply(other.log, createReplyId(createConversationId()))
  gone.stop()
  writeReply(owner.log, id, ['Hello', ', ', 'world'])
  await server.restart()
  await untilText(reader, 'Hello, world')
  expect(gone.notified).toBe(0)
})

test('following that begins while Redis hangs begins when it goes on', async () => {
  const [owner, other] = [await startNode({ commandTimeout: 50 }), await startNode({ commandTimeout: 50 })]
  await server.pause()
  const reader = followReply(other.log, id)
  writeReply(owner.log, id, ['Hello', ', ', 'world'])
  await expect.poll(() => Math.min(owner.faults.length, other.faults.length), WAIT).toBeGreaterThan(0)
  expect(reader.notified).toBe(0)
  await server.resume()
  await untilText(reader, 'Hello, world')
  await expect.poll(() => reader.notified, WAIT).toBeGreaterThan(0)
})

test('a text that could not be read is read again', async () => {
  const [owner, other] = [await startNode(), await startNode()]
  writeReply(owner.log, id, ['Hello'])
  await expect.poll(() => client.exists(textChannel(id)), WAIT).toBe(1)
  await disconnect(other.redis)
  const reader = await listen(other)
  await expect.poll(() => other.faults.length, WAIT).toBeGreaterThanOrEqual(2)
  writeReply(owner.log, id, [', world'], 5)
  await other.redis.connect()
  await untilText(reader, 'Hello, world')
})

test('a Redis that is full refuses, and gets the rest when it has room', async () => {
  const [owner, other] = [await startNode(), await startNode()]
  const reader = await listen(other)
  await client.config('SET', 'maxmemory', '1')
  writeReply(owner.log, id, ['Hello'])
  await expect.poll(() => owner.faults.length, WAIT).toBeGreaterThanOrEqual(2)
  writeReply(owner.log, id, [', world'], 5)
  await client.config('SET', 'maxmemory', '0')
  await untilText(reader, 'Hello, world')
})

test('a log closes while Redis hangs', async () => {
  const owner = await startNode({ commandTimeout: 50 })
  await server.pause()
  for (let index = 0; index < 20; index += 1) {
    owner.log.write(createReplyId(createConversationId()), 0, realisticText(100_000))
  }
  owner.log.end(id)
  await owner.log.close()
  // It gave up what Redis did not take, and tries no more.
  expect(owner.faults.length).toBeGreaterThan(0)
  const { commands } = owner.sent
  await server.resume()
  await expect.poll(() => client.ping(), WAIT).toBe('PONG')
  expect(owner.sent.commands).toBe(commands)
})

test('whatever is cut or lost at any time, readers have the written text in the end', async () => {
  const [owner, other] = [await startNode({ writeLength: 5 }), await startNode({ readChunks: 3 })]
  const fault = fc.constantFrom('none', 'none', 'pubsub', 'normal', 'flush', 'scripts')
  const step = fc.record({ text: fc.string({ unit: 'grapheme', maxLength: 20 }), fault, follows: fc.boolean() })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      id = createReplyId(createConversationId())
      const readers = [followReply(other.log, id)]
      let text = ''
      for (const { fault, follows, ...step } of [...steps, { text: 'end', fault: 'none', follows: true }]) {
        if (fault === 'flush') await client.flushall()
        else if (fault === 'scripts') await client.script('FLUSH')
        else if (fault !== 'none') await client.call('CLIENT', 'KILL', 'TYPE', fault)
        owner.log.write(id, text.length, step.text)
        text += step.text
        if (follows) readers.push(followReply(other.log, id))
      }
      await expect.poll(() => readers.filter((reader) => reader.text !== text), WAIT).toEqual([])
      expect(readers.filter(({ gaps, repeated }) => gaps + repeated > 0)).toEqual([])
      for (const reader of readers) reader.stop()
      owner.log.end(id)
    }),
    { numRuns: 40 },
  )
})

async function disconnect(redis: RedisReplyNode['redis']): Promise<void> {
  redis.disconnect()
  await expect.poll(() => redis.status, WAIT).toBe('end')
}

test('an erasure that Redis refuses is done when it takes writes again', async () => {
  const owner = await startNode()
  writeReply(owner.log, id, ['secret'])
  owner.log.end(id)
  await expect.poll(() => client.pttl(textChannel(id)), WAIT).toBeLessThanOrEqual(60_000)
  onTestFinished(async () => void (await client.replicaof('NO', 'ONE')))
  await client.replicaof('127.0.0.1', 1)
  expect(await owner.log.erase(id)).toBe(false)
  const { length } = owner.faults
  await expect.poll(() => owner.faults.length, WAIT).toBeGreaterThan(length)
  await client.replicaof('NO', 'ONE')
  await expect.poll(() => client.type(textChannel(id)), WAIT).toBe('string')
})

test.each([{ written: ['first'] }, { written: [] }])(
  'what an owner that was paused writes of a reply that was erased is refused, behind $written',
  async ({ written }) => {
    const [owner, other] = [await startNode(), await startNode()]
    const reader = await listen(other)
    const end = writeReply(owner.log, id, written)
    await untilText(reader, written.join(''))
    expect(await other.log.erase(id)).toBe(true)
    writeReply(owner.log, id, [' late', ' and later'], end)
    owner.log.end(id)
    await owner.log.close()
    expect(await client.get(textChannel(id))).toBe('erased')
    const newcomer = await listen(other)
    expect([reader.text, newcomer.text]).toEqual([written.join(''), ''])
    expect(owner.faults).toEqual([])
  },
)

test('a full Redis erases', async () => {
  const owner = await startNode()
  writeReply(owner.log, id, ['secret'])
  await expect.poll(() => client.exists(textChannel(id)), WAIT).toBe(1)
  onTestFinished(async () => void (await client.config('SET', 'maxmemory', '0')))
  await client.config('SET', 'maxmemory', '1')
  expect(await owner.log.erase(id)).toBe(true)
  expect(await client.type(textChannel(id))).not.toBe('stream')
  expect(await owner.log.erase(createReplyId(createConversationId()))).toBe(true)
})
