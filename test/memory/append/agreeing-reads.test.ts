import { describe, expect, test } from 'vitest'
import { createConversationId } from '../../../src/memory/ids.ts'
import { type MemoryNode, type MemoryNodeOptions, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER } from '../../support/stored-conversation.ts'

const STORES: [string, () => MemoryNodeOptions][] = [
  ['MongoDB', () => ({ history: newMongodb() })],
  ['SQLite', () => ({})],
]

describe.each(STORES)('on %s', (_, stores) => {
  test('every read of what was acknowledged shows the same conversation, before its hint is written and after', async () => {
    const hints = Promise.withResolvers<void>()
    let time = 1_700_000_000_000
    const node = await startMemoryNode({
      ...stores(),
      // No two looks at the clock are alike.
      now: () => time++,
      change: (history) => ({
        async raiseHead(...hint) {
          await hints.promise
          return history.raiseHead(...hint)
        },
      }),
    })
    const input = { externalId: 'x' }
    const { conversation } = await node.memory.createConversation(OWNER, input, 'FAIL')
    const say = (text: string, replaces?: string) =>
      node.memory.appendMessages(OWNER, conversation.id, [{ role: 'USER', parts: [{ type: 'text', text }] }], replaces)
    const list = { ownerId: OWNER, archived: false, limit: 10, from: 'NEWEST' } as const
    const read = async () => [
      ...(await node.memory.listConversations(list)).map((listed) => listed.conversation),
      (await node.memory.findConversations(OWNER, [conversation.id]))[0],
      await node.memory.findConversationByExternalId(OWNER, 'x'),
      (await node.memory.createConversation(OWNER, input, 'RETURN')).conversation,
      await node.memory.updateConversation(OWNER, conversation.id, {}),
    ]
    await say('one')
    const { messages } = await say('two')
    const edited = await say('two, edited', messages[0]?.id)
    expect(Object.values(edited.conversation.heads)).toMatchObject([{ sequence: 2 }, { sequence: 2 }])
    expect(edited.conversation.lastMessageAt).toBeGreaterThan(conversation.lastMessageAt)
    const expected = [1, 2, 3, 4, 5].map(() => edited.conversation)
    expect(await read()).toEqual(expected)
    hints.resolve()
    await node.settle()
    expect(await read()).toEqual(expected)
  })

  test('a conversation that is made again by its id shows nothing of the one before', async () => {
    let time = Date.UTC(2026, 0, 1)
    const node = await startMemoryNode({ ...stores(), now: () => time })
    const make = () => node.memory.createConversation(OWNER, {}, 'FAIL', { id: createdId, createdAt: 5 })
    const createdId = createConversationId()
    await make()
    const say = () =>
      node.memory.appendMessages(OWNER, createdId, [{ role: 'USER', parts: [{ type: 'text', text: 'one' }] }])
    for (let count = 0; count < 3; count++) await say()
    await node.memory.deleteConversation(OWNER, createdId)
    await node.settle()
    time += 61_000
    await node.memory.sweep()
    expect((await make()).conversation).toMatchObject({ heads: {}, lastMessageAt: 5 })
    expect((await say()).conversation.heads).toMatchObject({ 0: { sequence: 1 } })
    expect(await node.memory.findConversations(OWNER, [createdId])).toMatchObject([{ heads: { 0: { sequence: 1 } } }])
  })

  test('a list is walked without a gap, and nothing comes twice, before the hints are written and after', async () => {
    const hints = Promise.withResolvers<void>()
    let time = 1_700_000_000_000
    const node = await startMemoryNode({
      ...stores(),
      now: () => time++,
      change: (history) => ({
        async raiseHead(...hint) {
          await hints.promise
          return history.raiseHead(...hint)
        },
      }),
    })
    const ids: string[] = []
    for (let count = 0; count < 4; count++) {
      ids.push((await node.memory.createConversation(OWNER, {}, 'FAIL')).conversation.id)
    }
    const [oldest = '', ...others] = ids
    await node.memory.appendMessages(OWNER, oldest, [{ role: 'USER', parts: [{ type: 'text', text: 'one' }] }])
    expect(await walk(node, 'OLDEST')).toEqual(ids)
    expect(await walk(node, 'NEWEST')).toEqual(ids.toReversed())
    hints.resolve()
    await node.settle()
    expect(await walk(node, 'OLDEST')).toEqual([...others, oldest])
  })
})

/** The ids in a list of pages of one, from either end. */
async function walk({ memory }: MemoryNode, from: 'OLDEST' | 'NEWEST'): Promise<string[]> {
  const range = { ownerId: OWNER, archived: false, limit: 1, from }
  const ids: string[] = []
  for (let [last] = await memory.listConversations(range); last && ids.length < 10; ) {
    ids.push(last.conversation.id)
    const bound = from === 'OLDEST' ? { older: last.key } : { newer: last.key }
    ;[last] = await memory.listConversations({ ...range, ...bound })
  }
  return ids
}
