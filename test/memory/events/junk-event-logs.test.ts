import { Redis } from 'ioredis'
import { expect, inject, onTestFinished, test, vi } from 'vitest'
import type { ConversationChange } from '../../../src/memory/events/conversation-events.ts'
import { eventsKey } from '../../../src/memory/events/redis-event-log.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import { createEventReader, idsOf, WAIT } from '../../support/event-reader.ts'
import { startRedisEventNode } from '../../support/redis-event-nodes.ts'
import { SUITE_LIMITS } from './conversation-events-suite.ts'

const NEVER_POLLS = { ...SUITE_LIMITS, pollMs: 3_600_000 }

type Spoil = (redis: Redis, key: string) => Promise<unknown>

/** A log that begins with an entry of this id. */
const anew =
  (id: string): Spoil =>
  async (redis, key) => {
    await redis.del(key)
    return redis.xadd(key, id, 'e', 'junk')
  }

const JUNK: Record<string, Spoil> = {
  'a text': (redis, key) => redis.set(key, 'x'),
  'a list': (redis, key) => redis.multi().del(key).rpush(key, 'x').exec(),
  'a generation that is too long': anew('18446744073709551614-1'),
  'the greatest of all ids': anew('18446744073709551615-18446744073709551615'),
  'a sequence that is no exact number': anew('1-9007199254740993'),
  'an entry of other fields': anew('1-1'),
  'nothing, after the greatest of all ids': async (redis, key) => {
    const id = '18446744073709551615-18446744073709551615'
    await anew(id)(redis, key)
    return redis.xdel(key, id)
  },
  'an id that was promised elsewhere': async (redis, key) => {
    await anew('1-1')(redis, key)
    return redis.call('XSETID', key, '2-1')
  },
}

test.each(Object.entries(JUNK))('a log that is %s begins anew, and all subscribers go on', async (_, spoil) => {
  const [client, id] = [new Redis(inject('redisUrl')), createConversationId()]
  const [writer, other] = [await startNode(), await startNode()]
  onTestFinished(() => client.disconnect())
  const reader = createEventReader(other.events, id, 'garbage')
  await reader.take(1)
  await expect.poll(() => client.pubsub('NUMSUB', eventsKey(id)), WAIT).toEqual([eventsKey(id), 1])

  await spoil(client, eventsKey(id))
  await writer.events.publish(id, changed('a'))
  await vi.waitFor(() => expect(idsOf(reader.received).length).toBeGreaterThan(1), WAIT)
  await writer.events.publish(id, changed('b'))
  await vi.waitFor(() => expect(idsOf(reader.received).at(-1)).toBe('b'), WAIT)
  expect(idsOf(reader.received)).toContain('ConversationReset')
  await spoil(client, eventsKey(id))
  const late = createEventReader(writer.events, id)
  await vi.waitFor(() => expect(late.heartbeat).toBeDefined(), WAIT)
  await other.events.publish(id, changed('c'))
  // Where only the append finds that it is junk, a reset stands for it.
  expect(['c', 'ConversationReset']).toContain(idsOf(await late.take(1))[0])
  expect([...writer.faults, ...other.faults]).toEqual([])
})

test('what one conversation is owed does not wait for another whose log cannot be written', async () => {
  const client = new Redis(inject('redisUrl'))
  const [writer, other] = [await startNode(), await startNode()]
  const [stuck, sound] = [createConversationId(), createConversationId()]
  onTestFinished(() => client.disconnect())
  const reader = createEventReader(other.events, sound, 'garbage')
  await reader.take(1)
  const { appendEvents } = writer.redis
  const refused = new Set([eventsKey(stuck), eventsKey(sound)])
  writer.redis.appendEvents = (key, ...values) =>
    refused.has(key) ? Promise.reject(new Error('refused')) : appendEvents.call(writer.redis, key, ...values)
  await writer.events.publish(sound, changed('a'))
  await writer.events.publish(stuck, changed('a'))
  refused.delete(eventsKey(sound))
  expect(idsOf(await reader.take(2))).toEqual(['ConversationReset', 'ConversationReset'])
})

async function startNode() {
  const node = startRedisEventNode(inject('redisUrl'), NEVER_POLLS)
  await vi.waitFor(() => expect([node.redis.status, node.subscriber.status]).toEqual(['ready', 'ready']), WAIT)
  onTestFinished(node.stop)
  return node
}

function changed(messageId: string): ConversationChange[] {
  return [{ type: 'MessageChanged', messageId }]
}
