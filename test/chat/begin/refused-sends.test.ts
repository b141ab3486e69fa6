import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HistoryUnavailableError } from '../../../src/errors.ts'
import type { ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { collect, createReplyNode, OWNER, placeDeltas, questionOf, type ReplyNode } from '../../support/reply-node.ts'
import { openMongoWorld, openSqliteWorld, type ReplyWorld } from '../../support/reply-world.ts'
import { createScriptedModel, type ScriptedModel } from '../../support/scripted-model.ts'

const never = new AbortController().signal

describe.each([
  { store: 'SQLite', openWorld: openSqliteWorld },
  { store: 'MongoDB', openWorld: openMongoWorld },
])('a send that is refused on $store', ({ openWorld }) => {
  let world: ReplyWorld
  let model: ScriptedModel
  let nodes: ReplyNode[]
  let id: string

  beforeEach(async () => {
    world = await openWorld()
    model = createScriptedModel()
    nodes = []
    id = (await newNode().memory.createConversation(OWNER, {}, 'FAIL')).conversation.id
  })
  afterEach(async () => {
    await Promise.all(nodes.map((node) => node.stop()))
    await world.close()
  })

  test('is refused with the same words where another was joined to it', async () => {
    const { first, held, joined, release } = slowToWithdraw()
    const replaces = await storeAnswer(first)
    const asked = questionOf(id, 'eins', { replaces })
    const refused = first.replies.send(OWNER, asked, never).then(collect)
    await held
    const others = [first, newNode(joined.records)].map((node) => node.replies.send(OWNER, asked, never).then(collect))
    await joined.byAll
    release()
    const rejection = {
      type: 'ReplyRejected',
      code: 'BAD_USER_INPUT',
      detail: 'replaces must be a message of the user when `content` or `parts` are given; got ASSISTANT.',
    }
    expect(await refused).toMatchObject([rejection])
    for (const events of await Promise.all(others)) expect(events).toEqual(await refused)
  })

  test('and has its claim taken back does not take along who joined it', async () => {
    const { first, held, joined, release } = slowToWithdraw()
    const asked = questionOf(id, 'one')
    const { findConversations } = world.history
    world.history.findConversations = async () => {
      throw new HistoryUnavailableError(new Error('away'))
    }
    const refused = first.replies.send(OWNER, asked, never).then(collect)
    await held
    world.history.findConversations = findConversations
    const other = newNode(joined.records).replies.send(OWNER, asked, never).then(collect)
    await joined.byOne
    release()
    expect(await refused).toMatchObject([{ type: 'ReplyRejected', code: 'HISTORY_UNAVAILABLE' }])
    ;(await model.nextCall()).answer('1')
    expect(placeDeltas(await other)).toBe('1')
  })

  test('for its budget is refused with the same words on every node', async () => {
    const asked = questionOf(id, 'a b c d e f', { maxTokens: 5 })
    const sends = [newNode(), newNode(), newNode()].flatMap(({ replies }) =>
      [1, 2].map(() => replies.send(OWNER, asked, never).then(collect)),
    )
    for (const events of await Promise.all(sends)) {
      expect(events).toMatchObject([
        {
          type: 'ReplyRejected',
          code: 'BAD_USER_INPUT',
          detail: "maxContextTokens must be at least the question's 10 tokens; got 5.",
        },
      ])
    }
  })

  test('does not hold up who supersedes it', async () => {
    const { first, held, release } = slowToWithdraw()
    const refused = first.replies.send(OWNER, questionOf(id, 'eins', { replaces: await storeAnswer(first) }), never)
    await held
    const stopped = Promise.withResolvers<void>()
    const change: ReplyRecords['change'] = async (replyId, from, changes) => {
      const isChanged = await world.records.change(replyId, from, changes)
      if (changes.phase === 'STOP') stopped.resolve()
      return isChanged
    }
    const other = newNode({ ...world.records, change })
    const next = other.replies.send(OWNER, questionOf(id, 'two', { onBusy: 'SUPERSEDE' }), never).then(collect)
    await stopped.promise
    release()
    expect(await collect(await refused)).toMatchObject([{ type: 'ReplyRejected', code: 'BAD_USER_INPUT' }])
    ;(await model.nextCall()).answer('2')
    expect(placeDeltas(await next)).toBe('2')
  })

  function newNode(records = world.records): ReplyNode {
    // A lease that no test outlives.
    const node = createReplyNode({ ...world, records }, model, { leaseMs: 60_000 })
    nodes.push(node)
    return node
  }

  /** The id of an answer, which no question can replace. */
  async function storeAnswer({ memory }: ReplyNode): Promise<string> {
    const answer = { role: 'ASSISTANT' as const, parts: [{ type: 'text' as const, text: '1' }] }
    const { messages } = await memory.appendMessages(OWNER, id, [answer])
    return messages[0]?.id ?? ''
  }

  /** A node that takes its claim back only when it may, and records that tell when others found that claim. */
  function slowToWithdraw() {
    const held = Promise.withResolvers<void>()
    const free = Promise.withResolvers<void>()
    const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const waiting = [one, two]
    const records: ReplyRecords = {
      ...world.records,
      async findByClientMessageId(...key) {
        const found = await world.records.findByClientMessageId(...key)
        waiting.shift()?.resolve()
        return found
      },
      async withdraw(replyId) {
        held.resolve()
        await free.promise
        return world.records.withdraw(replyId)
      },
    }
    const joined = { records, byOne: one.promise, byAll: two.promise }
    return { first: newNode(records), held: held.promise, joined, release: free.resolve }
  }
})
