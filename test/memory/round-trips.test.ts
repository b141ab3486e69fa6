import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import type { TokenCounter } from '../../src/memory/tokens/token-counter.ts'
import { type MemoryNode, newMongodb, startMemoryNode } from '../support/memory-node.ts'
import {
  contextRequest,
  newestWithin,
  OWNER,
  readContext,
  startConversation,
  storeConversation,
  textOf,
} from '../support/stored-conversation.ts'
import { breakCircuit } from './cache/guarded-cache.ts'
import { hang } from './cache/recorded-cache.ts'

const MESSAGE = { role: 'USER' as const, parts: [{ type: 'text' as const, text: 'hello' }] }

/** A node on the shared servers, after one round of all, so that Redis knows the scripts. */
async function startWarmNode(limits = {}): Promise<MemoryNode> {
  const node = await startMemoryNode({ history: newMongodb(), redisUrl: inject('redisUrl') }, limits)
  const id = await startConversation(node)
  await readContext(node, id, 1_000)
  await node.memory.appendMessages(OWNER, id, [MESSAGE])
  await node.settle()
  node.resetCounts()
  return node
}

describe('a read', () => {
  test('that hits is one command to Redis and none to MongoDB', async () => {
    const node = await startWarmNode()
    const { conversationId, messages } = await storeConversation(node, { length: 100 })
    await readContext(node, conversationId, 3_000)
    await node.settle()
    node.resetCounts()
    const context = await readContext(node, conversationId, 3_000)
    await node.settle()
    expect(context.messages).toEqual(newestWithin(messages, 3_000))
    expect(context.source).toBe('CACHE')
    expect(node.traffic).toEqual({ redis: ['mget'], mongodb: [], documents: 0 })
  })

  test('that misses is answered after two round trips to Redis and two queries', async () => {
    const node = await startWarmNode()
    const { conversationId, messages } = await storeConversation(node, { length: 100 })
    node.resetCounts()
    const context = await readContext(node, conversationId, 3_000)
    expect(context.messages).toEqual(newestWithin(messages, 3_000))
    expect(context.source).toBe('HISTORY')
    expect(node.traffic).toEqual({ redis: ['mget', 'evalsha'], mongodb: ['find', 'find'], documents: 61 })
  })

  test('that reaches beyond the cached tail fetches what is missing, in one query', async () => {
    const node = await startWarmNode({ tailTokens: 1_000 })
    const { conversationId, messages } = await storeConversation(node, { length: 100 })
    await readContext(node, conversationId, 500)
    await node.settle()
    for (const [maxTokens, missing] of [
      [1_000, 10],
      [3_000, 40],
      [3_000, 40],
    ] as const) {
      node.resetCounts()
      const context = await readContext(node, conversationId, maxTokens)
      expect(context.messages).toEqual(newestWithin(messages, maxTokens))
      expect(context.source).toBe('CACHE_AND_HISTORY')
      expect(node.traffic).toEqual({ redis: ['mget'], mongodb: ['find'], documents: missing })
      await node.settle()
    }
  })

  test('of twenty conversations in one call is one command to Redis', async () => {
    const node = await startWarmNode()
    const stored = []
    for (let count = 0; count < 20; count++) stored.push(await storeConversation(node, { length: 3 }))
    const requests = stored.map(({ conversationId }) => contextRequest(conversationId, 1_000))
    await node.memory.readContexts(requests)
    await node.settle()
    node.resetCounts()
    const contexts = await node.memory.readContexts(requests)
    expect(contexts).toMatchObject(stored.map(({ messages }) => ({ source: 'CACHE', messages })))
    expect(node.traffic).toEqual({ redis: ['mget'], mongodb: [], documents: 0 })
  })

  test('after an append still hits, on the node that appended and on every other', async () => {
    const history = newMongodb()
    const start = () => startMemoryNode({ history, redisUrl: inject('redisUrl') })
    const [node, other] = [await start(), await start()]
    const { conversationId } = await storeConversation(node, { length: 10 })
    await readContext(node, conversationId, 3_000)
    await node.settle()
    await node.memory.appendMessages(OWNER, conversationId, [MESSAGE])
    await node.settle()
    for (const reader of [node, other]) {
      const context = await readContext(reader, conversationId, 3_000)
      expect(context).toMatchObject({ source: 'CACHE', messages: { length: 11 } })
      expect(context.messages.map(textOf).at(-1)).toBe('hello')
    }
  })

  test('counts no tokens, whether it hits, misses, joins both or is asked to be strong', async () => {
    const counter: TokenCounter = {
      countMessages: () => Promise.reject(new Error('A read counted tokens')),
      admit: () => () => {},
      close: async () => {},
    }
    const node = await startMemoryNode({ counter, history: newMongodb(), redisUrl: inject('redisUrl') })
    const { conversationId } = await storeConversation(node, { length: 100 })
    for (const [maxTokens, length] of [
      [1_000, 20],
      [1_000, 20],
      [2_000, 40],
      [49, 0],
    ] as const) {
      expect((await readContext(node, conversationId, maxTokens)).messages).toHaveLength(length)
      await node.settle()
    }
    expect((await readContext(node, conversationId, 1_000, 'STRONG')).messages).toHaveLength(20)
    expect((await node.memory.readPrompt(OWNER, conversationId, 1_000)).path.messages).toHaveLength(20)
  })
})

describe('round trips in sequence', () => {
  test('of a cold read are three: the cache, the conversation beside a register, the range', async () => {
    const node = await startMemoryNode()
    const { conversationId, messages } = await storeConversation(node, { length: 100 })
    const [context, trips] = await countTrips(node, () => readContext(node, conversationId, 3_000))
    expect(context.messages).toEqual(newestWithin(messages, 3_000))
    expect(trips).toEqual([['readEntries'], ['open', 'findConversations'], ['readTokenRange']])
    await node.settle()
    expect(await readContext(node, conversationId, 3_000)).toMatchObject({ source: 'CACHE' })
  })

  test('of a read whose tail is gone, or that is to be strong, are three as well', async () => {
    const node = await startMemoryNode()
    const { conversationId } = await storeConversation(node, { length: 100 })
    await readContext(node, conversationId, 3_000)
    await node.settle()
    const expected = [['readEntries'], ['findConversations'], ['readTokenRange']]
    const [, strong] = await countTrips(node, () => readContext(node, conversationId, 3_000, 'STRONG'))
    expect(strong).toEqual(expected)
    await node.guard.drop(conversationId)
    const [, dropped] = await countTrips(node, () => readContext(node, conversationId, 3_000))
    expect(dropped).toEqual(expected)
  })

  test('of a cold send are two before the model is called, and its conversation is read once', async () => {
    const node = await startMemoryNode()
    const { conversationId, messages } = await storeConversation(node, { length: 100 })
    const read = () => node.memory.readPrompt(OWNER, conversationId, 3_000)
    const [prompt, trips] = await countTrips(node, read)
    expect(prompt.path.messages).toEqual(newestWithin(messages, 3_000))
    expect(trips).toEqual([['openEntry', 'findConversations'], ['readTokenRange']])
    await node.settle()
    const [again, warmTrips] = await countTrips(node, read)
    expect(again.path.messages).toEqual(prompt.path.messages)
    expect(warmTrips).toEqual([['openEntry', 'findConversations']])
  })

  test('of a send are two as well where the tail is of another branch, and where it is too short', async () => {
    const node = await startMemoryNode({}, { tailTokens: 500 })
    const { conversationId, messages } = await storeConversation(node, { length: 100 })
    await readContext(node, conversationId, 500)
    await node.settle()
    const read = () => node.memory.readPrompt(OWNER, conversationId, 3_000)
    const [short, shortTrips] = await countTrips(node, read)
    expect(short.path.messages).toEqual(newestWithin(messages, 3_000))
    expect(shortTrips).toEqual([['openEntry', 'findConversations'], ['readTokenRange']])
    await node.memory.appendMessages(OWNER, conversationId, [MESSAGE], messages.at(-2)?.id)
    await node.settle()
    const [, switchedTrips] = await countTrips(node, read)
    expect(switchedTrips.length).toBe(2)
    expect(switchedTrips[1]).toEqual(['readTokenRange', 'readTokenRange'])
  })

  test('over the wire a cold send is one pipeline to Redis and two queries', async () => {
    const node = await startWarmNode()
    const { conversationId } = await storeConversation(node, { length: 100 })
    node.resetCounts()
    await node.memory.readPrompt(OWNER, conversationId, 3_000)
    expect(node.traffic).toEqual({ redis: ['set', 'mget'], mongodb: ['find', 'find'], documents: 61 })
  })
})

/**
 * Holds every step of either store back until nothing else is under way, and lets those that wait go on
 * together: each round is one round trip in sequence, whatever the stores' speed.
 */
async function countTrips<T>(node: MemoryNode, work: () => Promise<T>): Promise<[T, string[][]]> {
  const trips: string[][] = []
  let waiting: { operation: string; release: () => void }[] = []
  const hold = (operation: string) => new Promise<void>((release) => waiting.push({ operation, release }))
  node.cache.before = hold
  node.history.before = hold
  let isDone = false
  const working = work().finally(() => {
    isDone = true
  })
  for (;;) {
    for (let tick = 0; tick < 3; tick++) await new Promise((resolve) => setImmediate(resolve))
    const together = waiting
    waiting = []
    if (!isDone) trips.push(together.map(({ operation }) => operation))
    for (const { release } of together) release()
    if (isDone) break
  }
  node.cache.before = () => {}
  node.history.before = () => {}
  return [await working, trips]
}

describe('what comes after the response', () => {
  test('is waited for by no read and by no append, even if it never ends', async () => {
    const node = await startMemoryNode({}, { commandTimeoutMs: 600_000 })
    const { conversationId, messages } = await storeConversation(node, { length: 10 })
    node.cache.before = (operation) => (operation === 'fill' || operation === 'confirm' ? hang() : undefined)
    expect((await readContext(node, conversationId, 1_000)).messages).toEqual(messages)
    await expect.poll(() => node.cache.calls).toContain('fill')
    await node.memory.appendMessages(OWNER, conversationId, [MESSAGE])
    expect((await readContext(node, conversationId, 1_000)).messages).toHaveLength(11)
  })
})

describe('an append', () => {
  test('waits for its mark as long as the command timeout, and no longer', async () => {
    const node = await startMemoryNode({}, { commandTimeoutMs: 50 })
    const conversationId = await startConversation(node)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    node.cache.before = (operation) => (operation === 'mark' ? hang() : undefined)
    const acknowledged = vi.fn()
    const appending = node.memory.appendMessages(OWNER, conversationId, [MESSAGE]).then(acknowledged)
    await vi.advanceTimersByTimeAsync(49)
    expect(node.history.calls).toContain('insertMessages')
    expect(acknowledged).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await appending
  })

  test('does not ask for its mark while the cache is known to be gone', async () => {
    const node = await startMemoryNode({}, { commandTimeoutMs: 600_000 })
    const conversationId = await startConversation(node)
    await breakCircuit({ ...node, events: [] })
    node.cache.before = hang
    await node.memory.appendMessages(OWNER, conversationId, [MESSAGE])
    expect(node.cache.calls).not.toContain('mark')
  })

  test('is two steps of history: the conversation and the insert', async () => {
    const node = await startWarmNode()
    const conversationId = await startConversation(node)
    node.resetCounts()
    await node.memory.appendMessages(OWNER, conversationId, [{ ...MESSAGE, clientMessageId: 'a' }])
    expect(node.traffic).toMatchObject({ redis: ['evalsha'], mongodb: ['find', 'insert'] })
  })
})
