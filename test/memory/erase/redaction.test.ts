import { describe, expect, inject, test } from 'vitest'
import { HistoryUnavailableError } from '../../../src/errors.ts'
import type { History } from '../../../src/memory/history/history.ts'
import { contentOf, type NewMessage } from '../../../src/memory/message.ts'
import { newMongodb, startMemoryNode } from '../../support/memory-node.ts'
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
    const { memory, cache, clock, id, texts } = await start()
    cache.before = (operation) => (operation === 'drop' ? refuse() : undefined)
    expect(await memory.redactMessage(OWNER, id)).toMatchObject({ status: 'REDACTED', parts: [] })
    expect((await memory.findMessages(OWNER, [id]))[0]).toMatchObject({ parts: [] })
    expect(await texts()).toEqual(['secret'])
    clock.now += 2 * MINUTE
    await memory.sweep()
    expect(await texts()).toEqual(['secret'])
    cache.before = () => {}
    await memory.sweep()
    expect(await texts()).toEqual([''])
    cache.calls.length = 0
    clock.now += 2 * MINUTE
    await memory.sweep()
    expect(cache.calls).toEqual([])
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
