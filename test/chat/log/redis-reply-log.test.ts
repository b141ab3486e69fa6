import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { notifyChannel, textChannel } from '../../../src/chat/log/redis-reply-store.ts'
import { createConversationId, createReplyId } from '../../../src/memory/ids.ts'
import { startRedisCluster } from '../../support/redis-cluster.ts'
import { type RedisReplyNode, startRedisReplyNode } from '../../support/redis-reply-nodes.ts'
import { followReply, writeReply } from '../../support/reply-reader.ts'
import { realisticText } from '../../support/texts.ts'
import { describeReplyLog, WAIT } from './reply-log-suite.ts'

async function startNodes(url: string, cluster = false) {
  const nodes = [await startRedisReplyNode(url, { cluster }), await startRedisReplyNode(url, { cluster })] as const
  const [owner, other] = nodes
  return {
    owner: owner.log,
    other: other.log,
    async stop() {
      for (const node of nodes) await node.stop()
    },
  }
}

describeReplyLog('The reply log of two nodes on one Redis', () => startNodes(inject('redisUrl')))

describeReplyLog('The reply log of two nodes on a cluster', async () => {
  const server = await startRedisCluster()
  const nodes = await startNodes(server.url, true)
  return { ...nodes, stop: () => nodes.stop().then(() => server.stop()) }
})

test('subscribed connections of a cluster that were cut miss no text, and notify', async () => {
  const server = await startRedisCluster()
  const [owner, other] = [
    await startRedisReplyNode(server.url, { cluster: true }),
    await startRedisReplyNode(server.url, { cluster: true }),
  ]
  const client = new Redis(server.url)
  const id = createReplyId(createConversationId())
  const reader = followReply(other.log, id)
  let text = ''
  for (let round = 1; round <= 3; round += 1) {
    await expect.poll(() => reader.notified, WAIT).toBeGreaterThanOrEqual(round)
    await client.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
    owner.log.write(id, text.length, `round ${round}, `)
    text += `round ${round}, `
    await expect.poll(() => reader.text, WAIT).toBe(text)
  }
  reader.stop()
  await expect.poll(() => client.pubsub('SHARDNUMSUB', textChannel(id)), WAIT).toEqual([textChannel(id), 0])
  for (const node of [owner, other]) await node.stop()
  client.disconnect()
  await server.stop()
})

describe('What Redis holds', () => {
  let client: Redis
  let owner: RedisReplyNode
  let other: RedisReplyNode
  let id: string
  beforeAll(async () => {
    client = new Redis(inject('redisUrl'))
    owner = await startRedisReplyNode(inject('redisUrl'))
    other = await startRedisReplyNode(inject('redisUrl'))
  })
  afterAll(async () => {
    await owner.stop()
    await other.stop()
    client.disconnect()
  })
  beforeEach(() => {
    id = createReplyId(createConversationId())
    Object.assign(owner.sent, { commands: 0, units: 0 })
  })

  const subscriptions = async (channel: string) => Number((await client.pubsub('NUMSUB', channel))[1])

  test('ten thousand writes are far fewer commands, and every unit is sent once', async () => {
    const reader = followReply(other.log, id)
    const pieces = Array.from({ length: 10_000 }, (_, index) => ` token${index}`)
    let offset = 0
    for (let index = 0; index < pieces.length; index += 50) {
      offset = writeReply(owner.log, id, pieces.slice(index, index + 50), offset)
      await setImmediate()
    }
    await expect.poll(() => reader.text.length, WAIT).toBe(offset)
    expect(reader.text).toBe(pieces.join(''))
    expect(owner.sent.commands).toBeLessThanOrEqual(220)
    expect(owner.sent.units).toBe(offset)
  })

  test('writes that come together become one command', async () => {
    const reader = followReply(other.log, id)
    writeReply(owner.log, id, [...'abcdefghijklmnopqrstuvwxyz'])
    await expect.poll(() => reader.text, WAIT).toBe('abcdefghijklmnopqrstuvwxyz')
    expect(owner.sent).toEqual({ commands: 1, units: 26 })
  })

  test('a text of a megabyte is written and read in parts, and no character is cut', async () => {
    const text = `a${'👍'.repeat(50_000)}${realisticText(1_000_000)}`
    owner.log.write(id, 0, text)
    const reader = followReply(other.log, id)
    await expect.poll(() => reader.text.length, WAIT).toBe(text.length)
    expect(reader.text === text).toBe(true)
    const chunks = await client.xrange(textChannel(id), '-', '+')
    expect(chunks).toHaveLength(17)
    expect(chunks.filter(([, [, chunk]]) => chunk?.includes('\\ud'))).toHaveLength(0)
  })

  test('a text of many chunks is caught up with in several reads', async () => {
    const node = await startRedisReplyNode(inject('redisUrl'), { readChunks: 7, writeLength: 3 })
    const text = realisticText(300)
    node.log.write(id, 0, text)
    await expect.poll(() => client.xlen(textChannel(id)), WAIT).toBeGreaterThanOrEqual(100)
    const reader = followReply(node.log, id)
    await expect.poll(() => reader.text, WAIT).toBe(text)
    await node.stop()
  })

  test('a text lives for minutes, and for one after its end', async () => {
    const reader = followReply(other.log, id)
    owner.log.write(id, 0, 'Hello')
    await expect.poll(() => reader.text, WAIT).toBe('Hello')
    expect(await client.pttl(textChannel(id))).toBeGreaterThan(500_000)
    owner.log.end(id)
    await expect.poll(() => client.pttl(textChannel(id)), WAIT).toBeLessThanOrEqual(60_000)
  })

  test('a thousand readers of a reply are one subscription, and none when they have left', async () => {
    const readers = Array.from({ length: 1_000 }, () => followReply(other.log, id))
    const stops = Array.from({ length: 1_000 }, () => other.log.follow(id, { onNotify: () => undefined }))
    owner.log.write(id, 0, 'Hello')
    await expect.poll(() => readers.every(({ text }) => text === 'Hello'), WAIT).toBe(true)
    await expect.poll(() => subscriptions(textChannel(id)), WAIT).toBe(1)
    await expect.poll(() => subscriptions(notifyChannel(id)), WAIT).toBe(1)
    for (const reader of readers) reader.stop()
    for (const stop of stops) stop()
    await expect.poll(() => subscriptions(textChannel(id)), WAIT).toBe(0)
    await expect.poll(() => subscriptions(notifyChannel(id)), WAIT).toBe(0)
  })

  test('a reader that leaves and one that comes at once do not disturb each other', async () => {
    for (let round = 0; round < 20; round += 1) followReply(other.log, id).stop()
    const reader = followReply(other.log, id)
    owner.log.write(id, 0, 'Hello')
    await expect.poll(() => reader.text, WAIT).toBe('Hello')
    reader.stop()
    await expect.poll(() => subscriptions(textChannel(id)), WAIT).toBe(0)
  })

  test('what a newer version publishes is a notification', async () => {
    const reader = followReply(other.log, id)
    await expect.poll(() => reader.notified, WAIT).toBe(1)
    for (const message of ['', 'junk', '{}', '[]', '["0","text"]', 'null']) {
      await client.publish(textChannel(id), message)
    }
    await expect.poll(() => reader.notified, WAIT).toBe(7)
    expect(reader.text).toBe('')
  })

  test('a notification that is requested while one is under way is sent too', async () => {
    const reader = followReply(other.log, id)
    await expect.poll(() => reader.notified, WAIT).toBe(1)
    owner.log.notify(id)
    owner.log.notify(id)
    await expect.poll(() => reader.notified, WAIT).toBe(3)
  })

  test('a closed log has sent what it was given', async () => {
    const node = await startRedisReplyNode(inject('redisUrl'), { writeLength: 1_000 })
    const reader = followReply(other.log, id)
    node.log.write(id, 0, realisticText(20_000))
    node.log.end(id)
    await node.log.close()
    expect(await client.pttl(textChannel(id))).toBeLessThanOrEqual(60_000)
    await expect.poll(() => reader.text, WAIT).toBe(realisticText(20_000))
    node.log.write(id, 0, 'Hello')
    await node.stop()
    expect(node.faults).toEqual([])
  })
})
