import { Redis } from 'ioredis'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { startCheckedConversation } from '../support/checked-conversation.ts'
import { startMemoryNode } from '../support/memory-node.ts'

type Change = (redis: Redis, key: string) => Promise<unknown>

const write =
  (value: string): Change =>
  (redis, key) =>
    redis.set(key, value)

/** Changes a value that is there. */
const edit =
  (change: (value: string) => string): Change =>
  async (redis, key) => {
    const value = (await redis.get(key)) ?? ''
    const changed = change(value)
    expect(changed).not.toBe(value)
    return redis.set(key, changed, 'KEEPTTL')
  }

/** Changes the rows; the header stays as it is. */
const editRows = (change: (rows: string[]) => string[]): Change =>
  edit((value) => {
    const [header, ...rows] = value.split('\n')
    return [header, ...change(rows)].join('\n')
  })

const VALUES: Record<string, Change> = {
  nothing: (redis, key) => redis.del(key),
  'an empty text': write(''),
  'a word': write('junk'),
  null: write('null'),
  'a list': write('[1,2]'),
  'an object of another version': write('{"v":999,"g":"g","e":0,"h":{},"a":0}\n'),
  'an object that lacks fields': write('{"v":4}\n'),
  'bytes that are no text': (redis, key) => redis.set(key, Buffer.from([0xff, 0x00, 0xfe, 0x0a, 0xc3])),
  'a value of another type': async (redis, key) => {
    await redis.del(key)
    return redis.rpush(key, 'a', 'b')
  },
  'half of itself': edit((value) => value.slice(0, value.length / 2)),
}

const ROWS: Record<string, Change> = {
  'a row that is no JSON': editRows(([first = '', ...rows]) => [first.replace('"', ''), ...rows]),
  'a row that is no row': editRows(([, ...rows]) => ['{"a":1},', ...rows]),
  'a first row without tokens': editRows(([first = '', ...rows]) => [first.replace(/^\d+/, '"x"'), ...rows]),
  'a row of no role': editRows((rows) => rows.map((row) => row.replace('"u"', '"z"'))),
  'a row that lacks a value': editRows(([first = '', ...rows]) => [first.replace(/,0,$/, ','), ...rows]),
  'a row without text': editRows((rows) => rows.map((row) => row.replace(/"message [^"]*"/, 'null'))),
  'a row too few': editRows((rows) => rows.slice(1)),
  'a row too many': editRows((rows) => [rows[0] ?? '', ...rows]),
  'no rows': editRows(() => ['']),
  'a header that ends elsewhere': edit((value) => value.replace(/"l":\d+/, '"l":1')),
}

describe.each([
  ['register', 'head', VALUES],
  ['tail', 'tail', { ...VALUES, ...ROWS }],
])('a %s', (_, name, changes) => {
  test.each(Object.entries(changes))('that holds %s gives right answers, and hits again later', async (__, change) => {
    const node = await startMemoryNode({ redisUrl: inject('redisUrl') }, { tailTokens: 600 })
    const redis = new Redis(inject('redisUrl'))
    onTestFinished(() => redis.disconnect())
    const conversation = await startCheckedConversation(node)
    for (let count = 0; count < 12; count++) await conversation.append()
    const readSettled = async (maxTokens: number) => {
      await node.settle()
      return conversation.read({ maxTokens })
    }
    await readSettled(600)
    await expect.poll(() => readSettled(400)).toBe('CACHE')
    const spoil = () => change(redis, `bs:v1:{${conversation.conversationId}}:${name}`)

    await spoil()
    for (const maxTokens of [30, 400, 2_000]) await conversation.read({ maxTokens })
    await expect.poll(() => readSettled(400)).toBe('CACHE')
    await spoil()
    await conversation.append()
    for (const maxTokens of [30, 400]) await readSettled(maxTokens)
    await expect.poll(() => readSettled(400)).toBe('CACHE')
    await spoil()
    await conversation.read({ consistency: 'STRONG' })
    await expect.poll(() => readSettled(400)).toBe('CACHE')
  })
})

test('junk in rows that a budget does not reach fails no read that has to join newer messages', async () => {
  const node = await startMemoryNode({ redisUrl: inject('redisUrl') }, { tailTokens: 600 })
  const redis = new Redis(inject('redisUrl'))
  onTestFinished(() => redis.disconnect())
  const conversation = await startCheckedConversation(node)
  for (let count = 0; count < 40; count++) await conversation.append()
  await conversation.read({ maxTokens: 600 })
  await node.settle()
  const key = `bs:v1:{${conversation.conversationId}}:tail`
  await editRows(([first = '', ...rows]) => [first.replace(/^\d+/, '"x"'), ...rows])(redis, key)
  // Without its confirm the tail is short: the next read joins what is newer to it.
  node.cache.before = (operation) => {
    if (operation === 'confirm') throw new Error('lost')
  }
  await conversation.append()
  await node.settle()
  await conversation.read({ maxTokens: 60 })
})
