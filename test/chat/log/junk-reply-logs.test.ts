import { Redis } from 'ioredis'
import { expect, inject, onTestFinished, test } from 'vitest'
import { textChannel } from '../../../src/chat/log/redis-reply-store.ts'
import { createConversationId, createReplyId } from '../../../src/memory/ids.ts'
import { startRedisReplyNode } from '../../support/redis-reply-nodes.ts'

type Spoil = (redis: Redis, key: string) => Promise<unknown>

const JUNK: Record<string, Spoil> = {
  'a text': (redis, key) => redis.set(key, 'x'),
  'a list': (redis, key) => redis.multi().del(key).rpush(key, 'x').exec(),
  'a stream with the greatest of all ids': (redis, key) =>
    redis.multi().del(key).xadd(key, '18446744073709551614-1', 'c', 'x').exec(),
  ...Object.fromEntries(
    ['9', '900000', '999999999999999', '9007199254740993'].map((end): [string, Spoil] => [
      `a stream that ends at ${end}`,
      (redis, key) => redis.multi().del(key).xadd(key, `${end}-0`, 'c', '[0,"forged"]').exec(),
    ]),
  ),
  'a stream that ends at what is written, by another id': (redis, key) => redis.xadd(key, '4-7', 'c', 'x'),
  'a stream that refuses the next id': (redis, key) => redis.call('XSETID', key, '900000-1') as Promise<unknown>,
}

test.each(Object.entries(JUNK))('a text in the log that is %s begins anew, and all readers go on', async (_, spoil) => {
  const [owner, other] = [await startNode(), await startNode()]
  const client = new Redis(inject('redisUrl'))
  onTestFinished(() => client.disconnect())
  const id = createReplyId(createConversationId())
  const texts = ['', '']
  const follow = (index: number) =>
    other.log.follow(id, {
      onText: (offset, text) => {
        texts[index] = (texts[index] ?? '').slice(0, offset) + text
      },
      onNotify() {},
    })
  follow(0)
  owner.log.write(id, 0, 'one ')
  await expect.poll(() => texts[0]).toBe('one ')
  await spoil(client, textChannel(id))
  follow(1)
  owner.log.write(id, 4, 'two ')
  await expect.poll(() => texts).toEqual(['one two ', 'one two '])
  owner.log.write(id, 8, 'three')
  await expect.poll(() => texts).toEqual(['one two three', 'one two three'])
  expect([...owner.faults, ...other.faults]).toEqual([])
})

async function startNode() {
  const node = await startRedisReplyNode(inject('redisUrl'))
  onTestFinished(node.stop)
  return node
}
