import { Redis } from 'ioredis'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { startCheckedConversation } from '../support/checked-conversation.ts'
import { startMemoryNode } from '../support/memory-node.ts'
import { OWNER, readContext } from '../support/stored-conversation.ts'

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

/** Changes a value of one of the rows, and of further ones those behind it. */
function row(index: number, at: number, ...values: string[]): Change {
  return editRows((rows) => {
    const changed = [...rows]
    const fields: unknown[] = JSON.parse(`[${(rows[index] ?? '').replace(/,$/, '')}]`)
    const texts = fields.map((field) => JSON.stringify(field))
    texts.splice(at, values.length, ...values)
    changed[index] = `${texts.join(',')}${rows.length > index + 1 ? ',' : ''}`
    return changed
  })
}

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

const REGISTERS: Record<string, Change> = {
  'an epoch beyond all switches': edit((value) => value.replace(/"e":\d+/, '"e":9007199254740991')),
  'a mark beyond all places': edit((value) => value.replace(/"0":\d+/, '"0":1099511627776')),
  'a mark of no branch': edit((value) => value.replace('"h":{', '"h":{"../x":1,')),
  'marks of a hundred thousand branches': edit((value) =>
    value.replace('"h":{', `"h":{${Array.from({ length: 100_000 }, (_, index) => `"b${index}":1,`).join('')}`),
  ),
}

const ROWS: Record<string, Change> = {
  'a row that is no JSON': editRows(([first = '', ...rows]) => [first.replace('"', ''), ...rows]),
  'a row that is no row': editRows(([, ...rows]) => ['{"a":1},', ...rows]),
  'a first row without tokens': editRows(([first = '', ...rows]) => [first.replace(/^\d+/, '"x"'), ...rows]),
  'a row of no role': editRows((rows) => rows.map((row) => row.replace('"u"', '"z"'))),
  'a row that lacks a value': editRows(([first = '', ...rows]) => [first.replace(/,0,$/, ','), ...rows]),
  'a row without text': editRows((rows) => rows.map((row) => row.replace(/"message [^"]*"/, 'null'))),
  ...Object.fromEntries(
    [
      ['a time beyond all calendars', row(0, 2, '1e308')],
      ['a time before all times', row(0, 2, '-1')],
      ['a role that every object has', row(0, 1, '"constructor"')],
      ['tokens that are no whole number', row(0, 0, '30.5')],
      ['a part that is nothing', row(0, 3, '0', '{"parts":[null]}')],
      ['a part of no known type', row(0, 3, '0', '{"parts":[{"type":"hologram","text":"x"}]}')],
      ['a part without its text', row(0, 3, '0', '{"parts":[{"type":"text"}]}')],
      [
        'a tool call without its name',
        row(0, 3, '0', '{"parts":[{"type":"toolCall","toolCallId":"1","arguments":""}]}'),
      ],
      ['both text and parts', row(0, 4, '{"parts":[{"type":"text","text":"forged"}]}')],
      ['a status that there is not', row(0, 4, '{"status":"__proto__"}')],
      ['a finish reason that there is not', row(0, 4, '{"finishReason":{}}')],
      ['an author that is no text', row(0, 4, '{"author":{}}')],
      ['a usage of text', row(0, 4, '{"usage":{"promptTokens":"1","completionTokens":1,"estimated":false}}')],
      [
        'a usage beyond an Int',
        row(0, 4, '{"usage":{"promptTokens":3000000000,"completionTokens":1,"estimated":false}}'),
      ],
      ['metadata that is deep', row(0, 4, '{"metadata":{"a":{"b":1}}}')],
      ['an id of its own', row(0, 4, '{"id":"msg_forged"}')],
      ['a place of its own', row(0, 4, '{"sequence":1099511627776}')],
      ['a prototype', row(0, 4, '{"__proto__":{"id":"msg_forged"}}')],
      ['nothing for what more there is', row(0, 4, 'null')],
    ].map(([name, change]) => [`a row with ${name}`, change as Change]),
  ),
  'a branch that is no id': edit((value) => value.replace('"b":"0"', '"b":"../x"')),
  'forks that are no ids': edit((value) => value.replace('"b":"0"', '"b":"0","p":[["../x",3]]')),
  'rows from beyond all places': edit((value) =>
    value.replace(/"f":\d+,"l":\d+/, '"f":1099511627776,"l":1099511627787'),
  ),
  'tokens beyond an Int': edit((value) => value.replace(/"s":\d+/, '"s":4503599627370496')),
  'a beginning that it does not have': edit((value) =>
    value.replace(/"f":1,/, '"f":2,').replace(/"l":(\d+)/, (_, last) => `"l":${Number(last) + 1}`),
  ),
  'an epoch beyond all switches': edit((value) => value.replace(/"e":\d+/, '"e":9007199254740991')),
  'another owner': edit((value) => value.replace(/"o":"[^"]+"/, '"o":"nobody"')),
  'an end that is over': edit((value) => value.replace(/("n":"[^"]+")/, '$1,"x":5')),
  'an end that is to come': edit((value) => value.replace(/("n":"[^"]+")/, '$1,"x":99999999999999')),
  'a row too few': editRows((rows) => rows.slice(1)),
  'a row too many': editRows((rows) => [rows[0] ?? '', ...rows]),
  'no rows': editRows(() => ['']),
  'a header that ends elsewhere': edit((value) => value.replace(/"l":\d+/, '"l":1')),
}

describe.each([
  ['register', 'head', { ...VALUES, ...REGISTERS }],
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

test.each([2 ** 31 - 1, 2 ** 31 - 2, 2 ** 30])(
  'after the epoch %i in a register a conversation can be switched as before',
  async (epoch) => {
    const node = await startMemoryNode({ redisUrl: inject('redisUrl') })
    const redis = new Redis(inject('redisUrl'))
    onTestFinished(() => redis.disconnect())
    const conversation = await startCheckedConversation(node)
    for (let count = 0; count < 2; count++) await conversation.append()
    const { conversationId: id, messages } = conversation
    const key = `bs:v1:{${id}}:head`
    await edit((value) => value.replace(/"e":\d+/, `"e":${epoch}`).replace(/"a":\d+/, '"a":1'))(redis, key)
    for (let count = 0; count < 2; count++) {
      await conversation.read()
      await node.settle()
    }
    const text = [{ role: 'USER' as const, parts: [{ type: 'text' as const, text: 'edited' }] }]
    for (let count = 0; count < 3; count++) {
      await node.memory.appendMessages(OWNER, id, text, messages[1]?.id)
      await node.settle()
    }
    expect((await readContext(node, id, 1_000, 'STRONG')).messages).toHaveLength(2)
  },
)

describe('a tail that names what its register was never raised to', () => {
  const NAMES = ['1e308', 'null', '1099511627776', 'x', '00000000000000zz']
  const named = (search: RegExp, name: string) => edit((value) => value.replace(search, `$1${name}"`))
  const SPOILED: [string, Change][] = [
    ...NAMES.map((name): [string, Change] => [`the branch ${name}`, named(/("b":")[0-9a-z]+"/, name)]),
    ...NAMES.map((name): [string, Change] => [`a fork from ${name}`, named(/("p":\[\[")[0-9a-z]+"/, name)]),
    ['a fork behind the newest message', edit((value) => value.replace(/("p":\[\["0",)2\]/, '$19]'))],
    [
      'a place behind the newest message',
      edit((value) => value.replace(/"f":\d+,"l":(\d+)/, (_, last) => `"f":2,"l":${Number(last) + 1}`)),
    ],
  ]

  test.each(SPOILED)('%s is a miss, and is written over', async (_, change) => {
    const node = await startMemoryNode({ redisUrl: inject('redisUrl') })
    const redis = new Redis(inject('redisUrl'))
    onTestFinished(() => redis.disconnect())
    const conversation = await startCheckedConversation(node)
    for (let count = 0; count < 3; count++) await conversation.append()
    const { conversationId: id, messages } = conversation
    const text = [{ role: 'USER' as const, parts: [{ type: 'text' as const, text: 'edited' }] }]
    await node.memory.appendMessages(OWNER, id, text, messages[1]?.id)
    await conversation.append()
    const read = async () => {
      await node.settle()
      const { source, messages: found } = await readContext(node, id, 1_000)
      return { source, ids: found.map((message) => message.id) }
    }
    const { ids } = await read()
    await expect.poll(read).toEqual({ source: 'CACHE', ids })
    await change(redis, `bs:v1:{${id}}:tail`)
    expect(await read()).toEqual({ source: 'HISTORY', ids })
    expect(await read()).toEqual({ source: 'CACHE', ids })
    await change(redis, `bs:v1:{${id}}:tail`)
    await conversation.append()
    const all = [...ids, conversation.messages.at(-1)?.id]
    await expect.poll(read).toEqual({ source: 'CACHE', ids: all })
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
