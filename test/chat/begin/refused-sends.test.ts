import { describe, expect, test } from 'vitest'
import type { History } from '../../../src/memory/history/history.ts'
import type { ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { collect, never, OWNER, placeDeltas, questionOf, type ReplyNode } from '../../support/reply-node.ts'
import { away, modelSays, type NodeChanges, useReplyStage } from '../../support/reply-stage.ts'
import { REPLY_STORES } from '../../support/reply-world.ts'

/** A lease that no test outlives. */
const LIMITS = { leaseMs: 60_000 }

describe.each(REPLY_STORES)('a send that is refused on $store', ({ openWorld }) => {
  const stage = useReplyStage(openWorld)

  test('is refused with the same words where another was joined to it', async () => {
    const { id, append } = stage
    const { first, held, joined, joinedByAll, release } = slowToWithdraw()
    const [answer] = await append(modelSays('1'))
    const replaces = answer?.id ?? ''
    const asked = questionOf(id, 'eins', { replaces })
    const refused = first.replies.send(OWNER, asked, never).then(collect)
    await held
    const others = [first, newNode(joined)].map((node) => node.replies.send(OWNER, asked, never).then(collect))
    await joinedByAll
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
    const { world, model, id } = stage
    let isAway = true
    const findConversations: History['findConversations'] = async (...args) => {
      if (isAway) throw away()
      return world.history.findConversations(...args)
    }
    const { first, held, joined, joinedByOne, release } = slowToWithdraw({ findConversations })
    const asked = questionOf(id, 'one')
    const refused = first.replies.send(OWNER, asked, never).then(collect)
    await held
    isAway = false
    const other = newNode(joined).replies.send(OWNER, asked, never).then(collect)
    await joinedByOne
    release()
    expect(await refused).toMatchObject([{ type: 'ReplyRejected', code: 'HISTORY_UNAVAILABLE' }])
    ;(await model.nextCall()).answer('1')
    expect(placeDeltas(await other)).toBe('1')
  })

  test('for its budget is refused with the same words on every node', async () => {
    const { id } = stage
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
    const { world, model, id, append } = stage
    const { first, held, release } = slowToWithdraw()
    const [answer] = await append(modelSays('1'))
    const refused = first.replies.send(OWNER, questionOf(id, 'eins', { replaces: answer?.id ?? '' }), never)
    await held
    const stopped = Promise.withResolvers<void>()
    const change: ReplyRecords['change'] = async (replyId, from, changes) => {
      const isChanged = await world.records.change(replyId, from, changes)
      if (changes.phase === 'STOP') stopped.resolve()
      return isChanged
    }
    const other = newNode({ records: { change } })
    const next = other.replies.send(OWNER, questionOf(id, 'two', { onBusy: 'SUPERSEDE' }), never).then(collect)
    await stopped.promise
    release()
    expect(await collect(await refused)).toMatchObject([{ type: 'ReplyRejected', code: 'BAD_USER_INPUT' }])
    ;(await model.nextCall()).answer('2')
    expect(placeDeltas(await next)).toBe('2')
  })

  function newNode(changes: NodeChanges = {}): ReplyNode {
    return stage.startNode(changes, LIMITS)
  }

  /** A node that takes its claim back only when it may, and stores that tell when others found that claim. */
  function slowToWithdraw(history: NodeChanges['history'] = {}) {
    const held = Promise.withResolvers<void>()
    const free = Promise.withResolvers<void>()
    const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const waiting = [one, two]
    const findByClientMessageId: ReplyRecords['findByClientMessageId'] = async (...key) => {
      const found = await stage.world.records.findByClientMessageId(...key)
      waiting.shift()?.resolve()
      return found
    }
    const withdraw: ReplyRecords['withdraw'] = async (replyId) => {
      held.resolve()
      await free.promise
      return stage.world.records.withdraw(replyId)
    }
    const joined: NodeChanges = { records: { findByClientMessageId, withdraw } }
    const first = newNode({ ...joined, history })
    return {
      first,
      held: held.promise,
      joined,
      joinedByOne: one.promise,
      joinedByAll: two.promise,
      release: free.resolve,
    }
  }
})
