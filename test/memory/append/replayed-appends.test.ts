import { setImmediate as nextTick } from 'node:timers/promises'
import { describe, expect, inject, test } from 'vitest'
import { ClientMessageIdConflictError, HistoryUnavailableError, NotFoundError } from '../../../src/errors.ts'
import type { ConversationEvent } from '../../../src/memory/events/conversation-events.ts'
import type { Json, MessageDraft, NewMessage } from '../../../src/memory/message.ts'
import { type MemoryNode, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, readContext, startConversation, textOf } from '../../support/stored-conversation.ts'

const STORES = {
  MongoDB: () => ({ history: newMongodb(), redisUrl: inject('redisUrl') }),
  SQLite: () => ({}),
}

describe.each(Object.entries(STORES))('on %s', (_, createParts) => {
  test("a reply's message that is stored already is that message, whatever came after it", async () => {
    const node = await startMemoryNode(createParts())
    const conversationId = await startConversation(node)
    const reply: MessageDraft = {
      role: 'ASSISTANT',
      status: 'COMPLETE',
      parts: [{ type: 'text', text: 'an answer' }],
      createdAt: 1_700_000_000_000,
      replyId: 'rep_1',
    }
    const first = await node.memory.appendDrafts(OWNER, conversationId, [reply])
    await appendTexts(node, conversationId, ['a question'])
    const again = await node.memory.appendDrafts(OWNER, conversationId, [{ ...reply, createdAt: 1_800_000_000_000 }])
    expect(again).toMatchObject({ messages: first.messages, stored: [] })
    await node.settle()
    const third = await node.memory.appendDrafts(OWNER, conversationId, [reply])
    expect(third).toMatchObject({ messages: first.messages, stored: [] })
    expect((await readContext(node, conversationId, 1_000)).messages.map(textOf)).toEqual(['an answer', 'a question'])
  })

  test('JSON that a store changes is the same content when it is sent again, and other JSON is not', async () => {
    const node = await startMemoryNode(createParts())
    const conversationId = await startConversation(node)
    const bare: Json = Object.assign(Object.create(null), { b: [-0, { d: 1, c: null }], a: 'x' })
    const sameAs = (data: Json): NewMessage => ({
      role: 'USER',
      parts: [
        { type: 'data', name: 'n', data },
        { type: 'text', text: 'x', providerMetadata: { score: -0 } },
      ],
      clientMessageId: 'same',
    })
    const first = await node.memory.appendMessages(OWNER, conversationId, [sameAs(bare)])
    for (const data of [bare, { b: [0, { c: null, d: 1 }], a: 'x' }]) {
      const again = await node.memory.appendMessages(OWNER, conversationId, [sameAs(data)])
      expect(again).toMatchObject({ messages: [{ id: first.messages[0]?.id }], stored: [] })
    }
    for (const data of [{ b: [0, { c: null, d: 1 }], a: 'y' }, { b: [{ c: null, d: 1 }, 0], a: 'x' }, '{}']) {
      const other = node.memory.appendMessages(OWNER, conversationId, [sameAs(data)])
      await expect(other).rejects.toThrow(ClientMessageIdConflictError)
    }
  })

  test('a batch that is sent again costs later reads nothing', async () => {
    const node = await startMemoryNode(createParts())
    const conversationId = await startConversation(node)
    const texts = Array.from({ length: 20 }, (__, index) => `text ${index}`)
    const first = await appendTexts(node, conversationId, texts)
    await readContext(node, conversationId, 1_000)
    await node.settle()
    const again = await appendTexts(node, conversationId, texts)
    expect(again).toMatchObject({ messages: first.messages, stored: [] })
    await node.settle()
    node.resetCounts()
    expect(await readContext(node, conversationId, 1_000)).toMatchObject({ source: 'CACHE', messages: first.messages })
    expect(node.history.calls).toEqual([])
  })
})

test('a batch with client ids takes two round trips: the look for them goes beside the read of the document', async () => {
  const steps: string[] = []
  const node = await startMemoryNode({
    change: (history) => ({
      async findConversations(ownerId, ids) {
        steps.push('document')
        const found = await history.findConversations(ownerId, ids)
        // Longer than any answer of an embedded store takes.
        await nextTick()
        steps.push('document read')
        return found
      },
      findByIdempotencyKeys(id, keys) {
        steps.push(`look for ${keys.length}`)
        return history.findByIdempotencyKeys(id, keys)
      },
      insertMessages(messages, options) {
        steps.push(`insert ${messages.length}`)
        return history.insertMessages(messages, options)
      },
    }),
  })
  const conversationId = await startConversation(node)
  await appendTexts(node, conversationId, ['one', 'two', 'three'])
  expect(steps).toEqual(['document', 'look for 1', 'document read', 'insert 3'])
})

test("a foreign conversation's ids are no conflict but missing, as everything of it is", async () => {
  const node = await startMemoryNode()
  const conversationId = await startConversation(node)
  const { messages } = await appendTexts(node, conversationId, ['one', 'two'])
  const other = ['one', 'two'].map((text) => ({ ...message(text), author: 'eve' }))
  for (const replaces of [undefined, messages[0]?.id]) {
    await expect(node.memory.appendMessages('eve', conversationId, other, replaces)).rejects.toThrow(NotFoundError)
  }
})

test('the same client id with other content is a conflict, and what was stored before it is read and told', async () => {
  const node = await startMemoryNode()
  const conversationId = await startConversation(node)
  await appendTexts(node, conversationId, ['one'])
  await node.settle()
  const events = await node.memory.subscribe(OWNER, conversationId, undefined, AbortSignal.timeout(10_000))
  const conflicting = [message('new'), { ...message('other'), clientMessageId: 'id one' }]
  await expect(node.memory.appendMessages(OWNER, conversationId, conflicting)).rejects.toThrow(
    ClientMessageIdConflictError,
  )
  const { messages } = await readContext(node, conversationId, 1_000)
  expect(messages.map(textOf)).toEqual(['one', 'new'])
  expect(await firstChange(events)).toMatchObject({ type: 'MessageAppended', messageId: messages[1]?.id })
})

test('a tail that is longer than history moves no hint, so that nothing is ever appended behind a gap', async () => {
  const history = newMongodb()
  const redisUrl = inject('redisUrl')
  const node = await startMemoryNode({ history, redisUrl })
  const conversationId = await startConversation(node)
  await appendTexts(node, conversationId, ['one', 'two'])
  await node.settle()
  await readContext(node, conversationId, 1_000)
  await node.settle()
  // As after a restore of the history from a copy: the cache knows of messages that it has not.
  const [entry] = (await node.guard.readEntries([conversationId])) ?? []
  if (entry?.tail === undefined) throw new Error('No tail')
  const rows = '[9,"u",1700000000000,"three"]'
  await node.guard.confirm(conversationId, { epoch: 0, branch: '0', first: 3, last: 3, tokens: 9, rows })
  await readContext(node, conversationId, 1_000, 'STRONG')
  await node.settle()
  const { stored } = await appendTexts(node, conversationId, ['three, really'])
  expect(stored).toMatchObject([{ sequence: 3 }])
})

test('two readers whose ids run together as text do not share a read', async () => {
  const node = await startMemoryNode()
  const { conversation } = await node.memory.createConversation('tenant ann', {}, 'FAIL')
  await node.memory.appendMessages('tenant ann', conversation.id, [message('secret')])
  await node.guard.drop(conversation.id)
  const request = { maxTokens: 100, startOn: 'ANY', anchor: 0, consistency: 'STRONG' } as const
  const [own, foreign] = await node.memory.readContexts([
    { ...request, ownerId: 'tenant ann', conversationId: conversation.id },
    { ...request, ownerId: 'ann', conversationId: `${conversation.id} tenant` },
  ])
  expect(own).toMatchObject({ messages: { length: 1 } })
  expect(foreign).toMatchObject({ code: 'NOT_FOUND' })
})

test('messages that a failed call has stored are told and hit later, though nobody sends them again', async () => {
  let isCut = false
  const node = await startMemoryNode({
    change: (history) => ({
      async insertMessages(messages) {
        if (isCut) throw new HistoryUnavailableError(new Error('gone'))
        isCut = true
        // Another writer's message stands in the middle.
        await history.insertMessages(messages.slice(0, 1))
        return { inserted: 1, duplicate: true }
      },
    }),
  })
  const conversationId = await startConversation(node)
  await readContext(node, conversationId, 1_000)
  await node.settle()
  const events = await node.memory.subscribe(OWNER, conversationId, undefined, AbortSignal.timeout(10_000))
  await expect(appendTexts(node, conversationId, ['one', 'two'])).rejects.toThrow(HistoryUnavailableError)
  await node.settle()
  const [conversation] = await node.memory.findConversations(OWNER, [conversationId])
  expect(conversation?.heads).toMatchObject({ '0': { sequence: 1 } })
  expect(await firstChange(events)).toMatchObject({ type: 'MessageAppended' })
})

function message(text: string) {
  return { role: 'USER' as const, parts: [{ type: 'text' as const, text }], clientMessageId: `id ${text}` }
}

function appendTexts({ memory }: MemoryNode, conversationId: string, texts: readonly string[]) {
  return memory.appendMessages(OWNER, conversationId, texts.map(message))
}

async function firstChange(events: AsyncIterable<ConversationEvent>): Promise<ConversationEvent | undefined> {
  for await (const event of events) if (event.type !== 'ConversationHeartbeat') return event
  return undefined
}
