import { describe, expect, inject, test } from 'vitest'
import { HistoryUnavailableError } from '../../../src/errors.ts'
import type { History } from '../../../src/memory/history/history.ts'
import { contentOf, type NewMessage } from '../../../src/memory/message.ts'
import { type MemoryNode, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, readContext } from '../../support/stored-conversation.ts'
import { refuse } from '../cache/recorded-cache.ts'

const SECRET: NewMessage = { role: 'USER', parts: [{ type: 'text', text: 'secret' }] }
const MINUTE = 60_000

describe.each([
  { store: 'SQLite', stores: () => ({}) },
  { store: 'MongoDB and Redis', stores: () => ({ history: newMongodb(), redisUrl: inject('redisUrl') }) },
])('a redaction in $store', ({ stores }) => {
  async function start(change?: (history: History) => Partial<History>) {
    const clock = { now: Date.now() }
    const node = await startMemoryNode({ ...stores(), now: () => clock.now, ...(change && { change }) })
    const { conversation } = await node.memory.createConversation(OWNER, {}, 'FAIL')
    const { messages } = await node.memory.appendMessages(OWNER, conversation.id, [SECRET])
    const [id = ''] = messages.map((message) => message.id)
    const texts = async () => {
      const context = await readContext(node, conversation.id, 1_000)
      await node.settle()
      return context.messages.map(({ parts }) => contentOf(parts))
    }
    expect(await texts()).toEqual(['secret'])
    return { ...node, clock, id, texts, conversationId: conversation.id }
  }

  test('that the cache did not hear of is made up for by the sweep', async () => {
    const { memory, cache, clock, id, conversationId, texts } = await start()
    const cachedRows = async () => (await cache.readEntries([conversationId]))[0]?.tail?.rows
    cache.before = (operation) => (operation === 'drop' ? refuse() : undefined)
    expect(await memory.redactMessage(OWNER, id)).toMatchObject({ status: 'REDACTED', parts: [] })
    expect((await memory.findMessages(OWNER, [id]))[0]).toMatchObject({ parts: [] })
    expect(await texts()).toEqual([''])
    expect(await cachedRows()).toContain('secret')
    clock.now += 2 * MINUTE
    await memory.sweep()
    expect(await texts()).toEqual([''])
    expect(await cachedRows()).toContain('secret')
    cache.before = () => {}
    await memory.sweep()
    expect(await cachedRows()).toBeUndefined()
    expect(await texts()).toEqual([''])
    cache.calls.length = 0
    clock.now += 2 * MINUTE
    await memory.sweep()
    expect(cache.calls).toEqual([])
  })

  test('drops twice, the second time more than a minute after the first, and is due until then', async () => {
    const { memory, cache, clock, id, conversationId } = await start()
    const state = async () => ({
      drops: cache.calls.filter((call) => call === 'drop').length,
      isDue: (await memory.findConversations(OWNER, [conversationId]))[0]?.dropDue !== undefined,
    })
    await memory.redactMessage(OWNER, id)
    await memory.sweep()
    clock.now += MINUTE
    await memory.sweep()
    expect(await state()).toEqual({ drops: 1, isDue: true })
    clock.now += MINUTE
    await memory.sweep()
    expect(await state()).toEqual({ drops: 2, isDue: false })
    clock.now += 2 * MINUTE
    await memory.sweep()
    expect(await state()).toEqual({ drops: 2, isDue: false })
  })

  test.each<[string, (node: MemoryNode, id: string, conversationId: string) => Promise<unknown>]>([
    ['metadata', ({ memory }, id) => memory.updateMessage(OWNER, id, { a: 1 })],
    [
      'expiresAt',
      ({ memory }, _, conversationId) =>
        memory.updateConversation(OWNER, conversationId, { expiresAt: 2_000_000_000_000 }),
    ],
  ])(
    'a change of %s whose drop is not answered leaves it due, and one that is answered does not',
    async (_, change) => {
      const { memory, cache, clock, id, conversationId, ...rest } = await start()
      const node = { memory, cache, ...rest }
      const isDue = async () => (await memory.findConversations(OWNER, [conversationId]))[0]?.dropDue !== undefined
      await change(node, id, conversationId)
      expect(await isDue()).toBe(false)
      cache.before = (operation) => (operation === 'drop' ? refuse() : undefined)
      await change(node, id, conversationId)
      expect(await isDue()).toBe(true)
      cache.before = () => {}
      clock.now += 2 * MINUTE
      cache.calls.length = 0
      await memory.sweep()
      expect(cache.calls).toEqual(['drop'])
      expect(await isDue()).toBe(false)
    },
  )

  test('that a fault of one conversation keeps from its turn is made up for in all others', async () => {
    const broken = new Set<string>()
    const { memory, clock, id, texts } = await start((history) => ({
      async findMessages(ids) {
        if (ids.some((each) => broken.has(each))) throw new TypeError('junk')
        return await history.findMessages(ids)
      },
      redactMessage: (each, parts) =>
        broken.size === 0 ? Promise.reject(new TypeError('died')) : history.redactMessage(each, parts),
    }))
    const { conversation } = await memory.createConversation(OWNER, {}, 'FAIL')
    const [other] = (await memory.appendMessages(OWNER, conversation.id, [SECRET])).messages
    for (const each of [other?.id ?? '', id]) {
      await expect(memory.redactMessage(OWNER, each)).rejects.toThrow('died')
      // The sweep takes the oldest first.
      clock.now += 1
    }
    broken.add(other?.id ?? '')
    clock.now += 2 * MINUTE
    await expect(memory.sweep()).rejects.toThrow('junk')
    expect(await texts()).toEqual([''])
  })

  test('whose node died in the middle is finished by the sweep', async () => {
    let isAway = true
    const away = async () => {
      throw new HistoryUnavailableError(new Error('away'))
    }
    const { memory, clock, id, texts } = await start((history) => ({
      redactMessage: (...args) => (isAway ? away() : history.redactMessage(...args)),
    }))
    await expect(memory.redactMessage(OWNER, id)).rejects.toThrow(HistoryUnavailableError)
    isAway = false
    await memory.sweep()
    expect(await texts()).toEqual(['secret'])
    clock.now += 2 * MINUTE
    await memory.sweep()
    expect(await texts()).toEqual([''])
  })
})
