import { expect, test } from 'vitest'
import { RateLimitedError } from '../../../src/errors.ts'
import { createHeavyOperations } from '../../../src/transport/bounds/heavy-operations.ts'
import { startConversation } from '../../support/conversation-operations.ts'
import { startTestServer } from '../../support/test-server.ts'

const MAX_COST = 100_000
const HEAVY = { cost: 40_000, pages: 0 }
const at = (source: string) => ({ ownerId: 'ann', source })

test('operations that cost little never wait', async () => {
  const { enter } = createHeavyOperations(MAX_COST)
  for (let count = 0; count < 10; count += 1) void enter({ cost: MAX_COST, pages: 8 }, at('a'))
  expect(enter({ cost: 5_000, pages: 0.75 }, at('a'))).toBeUndefined()
})

test('so many that cost much are under way, and each that ends lets one in', async () => {
  const begun = beginAll(20, HEAVY)
  await settled()
  expect(begun.length).toBe(3)
  for (let ended = 0; ended < 20; ended += 1) {
    await settled()
    expect(begun.length).toBe(Math.min(20, 3 + ended))
    begun[ended]?.()
    // What is given back is given back once.
    begun[ended]?.()
  }
})

test('operations that may read long texts count beside each other, whatever else they cost', async () => {
  const begun = beginAll(100, { cost: 100, pages: 1 })
  await settled()
  expect(begun.length).toBe(64)
  const larger = beginAll(100, { cost: 100, pages: 1_000 })
  await settled()
  expect(larger.length).toBe(8)
})

test('a connection that comes later does not wait for all that another one asked for before', async () => {
  const { enter } = createHeavyOperations(MAX_COST)
  const order: string[] = []
  const leaves = ['a', 'a', 'a', 'a', 'a', 'a', 'b'].map(async (source) => {
    const leave = await enter(HEAVY, at(source))
    order.push(source)
    return leave
  })
  await settled()
  expect(order).toEqual(['a', 'a', 'a'])
  ;(await leaves[0])?.()
  ;(await leaves[1])?.()
  await settled()
  expect(order).toEqual(['a', 'a', 'a', 'a', 'b'])
})

test('what finds no room to wait is refused, with a time to come back after', () => {
  const { enter } = createHeavyOperations(MAX_COST)
  const fill = () => {
    for (;;) void enter({ cost: MAX_COST, pages: 0 }, at('a'))
  }
  expect(fill).toThrow(RateLimitedError)
  expect(fill).toThrow(expect.objectContaining({ retryAfterMs: 10_000 }))
  expect(enter({ cost: 1, pages: 0 }, at('b'))).toBeUndefined()
})

test('pages that many clients ask for at once are read a bounded number at a time, and each is answered', async () => {
  let reading = 0
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  const { client } = await startTestServer((memory) => ({
    async readMessages(conversation, range) {
      reading += 1
      await released
      return memory.readMessages(conversation, range)
    },
  }))
  const id = await startConversation(client)
  const query = `{ conversation(id: "${id}") { messages { nodes { id } } } }`
  const answers = Array.from({ length: 100 }, () => client.post({ query }))
  await expect.poll(() => reading, { timeout: 60_000 }).toBeGreaterThanOrEqual(64)
  // Whoever asks for little is answered meanwhile; by then all others have come.
  for (let count = 0; count < 50; count += 1)
    expect(await client.post({ query: '{ __typename }' })).toMatchObject({ status: 200 })
  expect(reading).toBe(64)
  release()
  expect(new Set((await Promise.all(answers)).map(({ status }) => status))).toEqual(new Set([200]))
  expect(reading).toBe(100)
})

function beginAll(count: number, cost: { cost: number; pages: number }) {
  const { enter } = createHeavyOperations(MAX_COST)
  const begun: (() => void)[] = []
  for (let asked = 0; asked < count; asked += 1) {
    void Promise.resolve(enter(cost, at('a'))).then((leave) => leave && begun.push(leave))
  }
  return begun
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
