import { describe, expect, test } from 'vitest'
import { HistoryUnavailableError } from '../../../src/errors.ts'
import type { History } from '../../../src/memory/history/history.ts'
import type { NewMessage } from '../../../src/memory/message.ts'
import { type MemoryNodeOptions, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, readContext, startConversation, textOf } from '../../support/stored-conversation.ts'

/*
 * A message that an edit stored on a branch which is not listed yet is seen by nobody, but holds its client's id. Whoever
 * sends the same id elsewhere meanwhile says the same: that is no conflict.
 */

const STORES: [string, () => MemoryNodeOptions][] = [
  ['MongoDB', () => ({ history: newMongodb() })],
  ['SQLite', () => ({})],
]

/** A node with a conversation of two messages, whose history calls `hook.before` with each method's name. */
async function start(options: MemoryNodeOptions) {
  const clock = { now: Date.now() }
  const hook: { before(name: string): void | Promise<void> } = { before: () => {} }
  const change = (history: History) =>
    Object.fromEntries(
      Object.entries(history).map(([name, method]) => [
        name,
        async (...args: never[]) => {
          await hook.before(name)
          return (method as (...all: never[]) => unknown)(...args)
        },
      ]),
    )
  const node = await startMemoryNode({ ...options, change, now: () => clock.now })
  const id = await startConversation(node)
  const [first, second] = (await node.memory.appendMessages(OWNER, id, [say('one'), say('two')])).messages
  const append = (texts: string[], replaces?: string) => node.memory.appendMessages(OWNER, id, texts.map(say), replaces)
  const edit = () => append(['edited', 'more'], second?.id)
  const die = async () => {
    hook.before = (name) => {
      if (name === 'switchBranch') throw new HistoryUnavailableError(new Error('died'))
    }
    await expect(edit()).rejects.toThrow(HistoryUnavailableError)
    hook.before = () => {}
  }
  /** What STRONG reads show, once it is proven that no position is missing. */
  const read = async () => {
    const { messages } = await readContext(node, id, 10_000, 'STRONG')
    expect(messages.map(({ sequence }) => sequence)).toEqual(messages.map((_, index) => index + 1))
    await node.settle()
    return messages.map(textOf)
  }
  return { ...node, id, clock, first, second, hook, append, edit, die, read }
}

function say(text: string): NewMessage {
  return { role: 'USER', parts: [{ type: 'text', text }], clientMessageId: text }
}

describe.each(STORES)('on %s', (_, stores) => {
  test('what a dead edit left is stored where the same message is appended', async () => {
    const { die, append, read, edit } = await start(stores())
    await die()
    expect(await append(['edited'])).toMatchObject({ stored: { length: 1 } })
    expect(await read()).toEqual(['one', 'two', 'edited'])
    expect(await append(['edited', 'more'])).toMatchObject({ stored: { length: 1 } })
    expect(await read()).toEqual(['one', 'two', 'edited', 'more'])
    await expect(edit()).rejects.toThrow('clientMessageId "edited" is stored in another place.')
  })

  test('an edit that is under way is waited for, and its message returned', async () => {
    const { hook, append, edit, read, first } = await start(stores())
    const held = Promise.withResolvers<void>()
    let lookups = 0
    let appending: ReturnType<typeof append> | undefined
    hook.before = async (name) => {
      if (name === 'findByIdempotencyKeys' && appending !== undefined && ++lookups === 3) {
        held.resolve()
        await editing
      }
      if (name !== 'switchBranch') return
      appending = append(['edited'])
      appending.catch(() => {}).finally(held.resolve)
      await held.promise
    }
    const editing = edit()
    const { messages } = await editing
    expect(await appending).toMatchObject({ messages: messages.slice(0, 1), stored: [] })
    expect(await read()).toEqual(['one', 'edited', 'more'])
    hook.before = () => {}
    await expect(append(['edited'], first?.id)).rejects.toThrow('is stored in another place')
  })

  test('other content under the id of a dead edit is a conflict', async () => {
    const { memory, id, die } = await start(stores())
    await die()
    const other = memory.appendMessages(OWNER, id, [{ ...say('other'), clientMessageId: 'edited' }])
    await expect(other).rejects.toThrow('clientMessageId "edited" is stored with other content.')
  })

  test('what a dead edit left is stored where another message is replaced by it', async () => {
    const { die, append, read, first } = await start(stores())
    await die()
    expect(await append(['edited'], first?.id)).toMatchObject({ stored: { length: 1 } })
    expect(await read()).toEqual(['edited'])
  })

  test('what a dead edit left is stored where it follows in another edit', async () => {
    const { die, append, read, first } = await start(stores())
    await die()
    expect(await append(['fresh', 'edited', 'last'], first?.id)).toMatchObject({ stored: { length: 3 } })
    expect(await read()).toEqual(['fresh', 'edited', 'last'])
  })

  test('what a dead edit left is stored where it is a question', async () => {
    const { die, memory, id, read } = await start(stores())
    await die()
    const draft = { ...say('edited'), status: 'COMPLETE' as const, createdAt: 5 }
    const place = async () => {
      const point = await memory.readPrompt(OWNER, id, 1_000)
      return memory.appendBehind({ ...point, head: point.path.head }, draft, 1)
    }
    expect(await place()).toEqual({ type: 'TAKEN' })
    expect(await place()).toMatchObject({ type: 'STORED' })
    expect(await read()).toEqual(['one', 'two', 'edited'])
  })
})

test.each([
  { store: 'SQLite', stores: () => ({}), isSentElsewhere: false, lateMs: 0 },
  { store: 'SQLite', stores: () => ({}), isSentElsewhere: false, lateMs: 25_000 },
  { store: 'SQLite', stores: () => ({}), isSentElsewhere: true, lateMs: 0 },
  { store: 'SQLite', stores: () => ({}), isSentElsewhere: true, lateMs: 25_000 },
  { store: 'MongoDB', stores: () => ({ history: newMongodb() }), isSentElsewhere: false, lateMs: 0 },
])(
  'whenever an edit on $store is taken for left, nothing is lost or seen in part (elsewhere: $isSentElsewhere, $lateMs ms)',
  async ({ stores, isSentElsewhere, lateMs }) => {
    for (let at = 0, isReached = true; isReached; at++) {
      const { memory, history, id, clock, hook, append, second, read } = await start(stores())
      let calls = 0
      isReached = false
      hook.before = async () => {
        if (calls++ !== at) return
        isReached = true
        hook.before = () => {}
        clock.now += lateMs
        for (const { branch } of await history.findUnlistedBranches(clock.now + 1, 10)) {
          await history.removeUnlistedBranch(id, branch)
        }
        if (isSentElsewhere) await append(['edited'])
      }
      // In two inserts: the one between is stored already.
      const edit = () => append(['edited', 'one', 'more'], second?.id).then(() => 'stored', faultOf)
      let result = await edit()
      for (let sent = 1; result === 'unavailable' && sent < 3; sent++) result = await edit()
      const isStored = !isSentElsewhere || result === 'stored'
      expect(result, `at ${at}`).toMatch(isStored ? /^stored$/ : /in another place/)
      expect(await read(), `at ${at}`).toEqual(isStored ? ['one', 'edited', 'more'] : ['one', 'two', 'edited'])
      const [conversation] = await memory.findConversations(OWNER, [id])
      expect(conversation?.branches, `at ${at}`).toHaveLength(isStored ? 1 : 0)
    }
  },
)

function faultOf(error: unknown): string {
  return error instanceof HistoryUnavailableError ? 'unavailable' : String(error)
}
