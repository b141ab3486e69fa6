import { MongoClient } from 'mongodb'
import { describe, expect, onTestFinished, test } from 'vitest'
import { HistoryUnavailableError } from '../../../src/errors.ts'
import { mongoDatabase } from '../../../src/memory/history/mongo/mongo-database.ts'
import type { ConversationDocument, MessageDocument } from '../../../src/memory/history/mongo/mongo-documents.ts'
import { createMongoUnlisted } from '../../../src/memory/history/mongo/mongo-unlisted.ts'
import { createBranchId, messageId } from '../../../src/memory/ids.ts'
import type { NewMessage } from '../../../src/memory/message.ts'
import { type MemoryNodeOptions, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, readContext, startConversation, textOf } from '../../support/stored-conversation.ts'
import { sampleMessage } from '../history/stored-samples.ts'

const HOUR = 3_600_000
const STORES: [string, () => MemoryNodeOptions][] = [
  ['MongoDB', () => ({ history: newMongodb() })],
  ['SQLite', () => ({})],
]

/** A node with a conversation of two messages, and an edit of the second one that died before its branch was listed. */
async function startWithDeadEdit(options: MemoryNodeOptions) {
  const clock = { now: Date.now() }
  let isDead = true
  /** Called before, and behind, every call of the history. */
  const hook = { before: async () => {}, behind: async () => {} }
  const node = await startMemoryNode({
    ...options,
    now: () => clock.now,
    change: (history) =>
      Object.fromEntries(
        Object.entries(history).map(([name, method]) => [
          name,
          async (...args: never[]) => {
            await hook.before()
            if (isDead && name === 'switchBranch') throw new HistoryUnavailableError(new Error('died'))
            const answer = await (method as (...all: never[]) => unknown)(...args)
            await hook.behind()
            return answer
          },
        ]),
      ),
  })
  const id = await startConversation(node)
  const [, second] = (await node.memory.appendMessages(OWNER, id, [say('one'), say('two')])).messages
  const edit = () => node.memory.appendMessages(OWNER, id, [say('edited'), say('more')], second?.id)
  await expect(edit()).rejects.toThrow(HistoryUnavailableError)
  isDead = false
  clock.now += HOUR + 1
  const findUnlisted = () => node.history.findUnlistedBranches(clock.now + HOUR, 10)
  const read = async () => {
    const context = await readContext(node, id, 1_000, 'STRONG')
    await node.settle()
    return context.messages.map(textOf)
  }
  /** Sent again until it is acknowledged, as a client does. */
  const editAgain = async (attempts = 3): Promise<unknown> =>
    edit().catch((error: unknown) => {
      expect(error).toBeInstanceOf(HistoryUnavailableError)
      if (attempts === 1) throw error
      return editAgain(attempts - 1)
    })
  return { ...node, id, clock, hook, edit, editAgain, findUnlisted, read }
}

function say(text: string): NewMessage {
  return { role: 'USER', parts: [{ type: 'text', text }], clientMessageId: text }
}

describe.each(STORES)('on %s', (_, stores) => {
  test('what a dead edit left is removed after an hour, and the same edit can be sent again', async () => {
    const { memory, history, id, clock, edit, findUnlisted, read } = await startWithDeadEdit(stores())
    const [left] = await findUnlisted()
    const stored = () =>
      history.readTokenRange({ conversationId: id, branch: left?.branch ?? '', fromTokens: 0, limit: 10 })
    clock.now -= 2
    await memory.sweep()
    expect(await stored()).toHaveLength(2)
    clock.now += 2
    await memory.sweep()
    expect(await stored()).toEqual([])
    expect(await findUnlisted()).toEqual([])
    expect(await read()).toEqual(['one', 'two'])
    expect(await edit()).toMatchObject({ stored: { length: 2 } })
    expect(await read()).toEqual(['one', 'edited', 'more'])
  })

  test('an edit that was listed is kept, and is looked at by one sweep only', async () => {
    const { memory, clock, edit, findUnlisted, read } = await startWithDeadEdit(stores())
    await edit()
    expect(await findUnlisted()).toHaveLength(1)
    clock.now += HOUR + 1
    await memory.sweep()
    expect(await findUnlisted()).toEqual([])
    expect(await read()).toEqual(['one', 'edited', 'more'])
  })

  test.each([
    { stored: 'with a time', times: [5, 6], isWhole: true },
    { stored: 'without a time', times: [undefined, undefined], isWhole: true },
    { stored: 'partly with a time', times: [undefined, 5], isWhole: true },
    { stored: 'and more', times: [5, 5, 5], isWhole: true },
    { stored: 'behind one that is given up', times: [0, 5], isWhole: false },
    { stored: 'without a time behind one that is given up', times: [0, undefined], isWhole: false },
    { stored: 'before one that is given up', times: [5, 5, 0], isWhole: false },
    { stored: 'but for the first', times: ['MISSING', 5], isWhole: false },
    { stored: 'but for the last', times: [5], isWhole: false },
    { stored: 'not at all', times: [], isWhole: false },
  ])('of a branch two messages are whole that were stored $stored: $isWhole', async ({ times, isWhole }) => {
    const { memory, history } = await startMemoryNode(stores())
    const { conversation } = await memory.createConversation(OWNER, {}, 'FAIL')
    const branch = createBranchId()
    for (const [index, unlistedSince] of times.entries()) {
      if (unlistedSince === 'MISSING') continue
      const sample = sampleMessage(conversation.id, index + 1)
      const message = { ...sample, id: messageId(conversation.id, branch, index + 1), branch }
      await history.insertMessages(
        [message],
        unlistedSince === undefined ? {} : { unlistedSince: Number(unlistedSince) },
      )
    }
    await history.renewUnlistedBranch(conversation.id, branch, 10)
    expect(await history.isBranchWhole(conversation.id, branch, 1, 2)).toBe(isWhole)
    // Only what is given up is to be found still.
    expect(await history.findUnlistedBranches(10, 10)).toHaveLength(times.includes(0) ? 1 : 0)
  })

  test('a conversation that is deleted meanwhile leaves nothing', async () => {
    const { memory, history, id, clock, settle, findUnlisted } = await startWithDeadEdit(stores())
    const [left] = await findUnlisted()
    await memory.deleteConversation(OWNER, id)
    await settle()
    clock.now += HOUR
    await memory.sweep()
    for (const branch of ['0', left?.branch ?? '']) {
      expect(await history.readTokenRange({ conversationId: id, branch, fromTokens: 0, limit: 10 })).toEqual([])
    }
  })

  test.each([
    { sent: 'for the first time', withSwitch: false },
    { sent: 'for the first time', withSwitch: true },
    { sent: 'again', withSwitch: false },
    { sent: 'again', withSwitch: true },
  ])(
    'whenever an hour and a sweep pass in an edit that is sent $sent, nothing is lost (switch: $withSwitch)',
    async ({ sent, withSwitch }) => {
      for (let at = 0, isReached = true; isReached; at++) {
        const { memory, history, id, clock, hook, edit, editAgain, findUnlisted, read } = await startWithDeadEdit(
          stores(),
        )
        // What the dead edit left is swept, so that the edit begins anew.
        if (sent === 'for the first time') await memory.sweep()
        let calls = 0
        isReached = false
        hook.before = async () => {
          if (calls++ !== at) return
          isReached = true
          hook.before = async () => {}
          const [conversation] = await history.findConversations(OWNER, [id])
          const fromEpoch = conversation?.branchEpoch ?? 0
          if (withSwitch) await history.switchBranch(OWNER, id, { fromEpoch, toEpoch: fromEpoch + 1 })
          clock.now += HOUR + 1
          await memory.sweep()
        }
        await editAgain()
        expect(await read(), `at ${at}`).toEqual(['one', 'edited', 'more'])
        expect(await edit(), `at ${at}`).toMatchObject({ stored: [] })
        clock.now += HOUR + 1
        await memory.sweep()
        expect(await findUnlisted()).toEqual([])
        expect(await read(), `at ${at}`).toEqual(['one', 'edited', 'more'])
        const [conversation] = await memory.findConversations(OWNER, [id])
        expect(conversation?.branches, `at ${at}`).toHaveLength(1)
      }
    },
  )
})

/** Calls `onReach` once, before the step of a number; the step goes on when that settles. */
function pausedAt(at: number, onReach: () => Promise<void>) {
  let steps = 0
  return async () => {
    if (steps++ === at) await onReach()
  }
}

/** Calls of the history that an edit makes that is sent again, at most. */
const EDIT_CALLS = 14

describe.each(Array.from({ length: EDIT_CALLS + 1 }, (_, at) => at))(
  'an edit that waits behind %d of its calls',
  (editAt) => {
    test.each([{ waits: 'shortly' }, { waits: 'until its conversation must be read again' }])(
      '$waits for a removal of its branch by MongoDB, which waits for it, loses nothing',
      async ({ waits }) => {
        let isEditReached = false
        for (let removalAt = 0, isRemovalReached = true; isRemovalReached; removalAt++) {
          isRemovalReached = false
          const store = newMongodb()
          const node = await startWithDeadEdit({ history: store })
          const [left] = await node.findUnlisted()
          const [isPaused, isEdited] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
          const step = pausedAt(removalAt, async () => {
            isRemovalReached = true
            isPaused.resolve()
            await isEdited.promise
          })
          const sweeper = await steppedUnlisted(store.mongodbUrl, step)
          let removal: Promise<unknown> | undefined
          node.hook.behind = pausedAt(editAt, async () => {
            isEditReached = true
            removal = sweeper.removeUnlistedBranch(node.id, left?.branch ?? '')
            await Promise.race([isPaused.promise, removal])
            if (waits !== 'shortly') node.clock.now += 21_000
          })
          const acknowledged = await node.editAgain(1).catch(() => undefined)
          node.hook.behind = async () => {}
          isEdited.resolve()
          await removal
          if (acknowledged === undefined) await node.editAgain()
          expect(await node.read(), `removal at ${removalAt}`).toEqual(['one', 'edited', 'more'])
          node.clock.now += HOUR + 1
          await node.memory.sweep()
          expect(await node.findUnlisted(), `removal at ${removalAt}`).toEqual([])
          expect(await node.read(), `removal at ${removalAt}`).toEqual(['one', 'edited', 'more'])
        }
        if (editAt === EDIT_CALLS) expect(isEditReached).toBe(false)
      },
    )
  },
)

/** The sweep's part of MongoDB, which calls `step` before each command. */
async function steppedUnlisted(mongodbUrl: string, step: () => Promise<void>) {
  const client = new MongoClient(mongodbUrl)
  onTestFinished(() => client.close())
  const { database, guard } = mongoDatabase(client)
  return createMongoUnlisted(
    database.collection<ConversationDocument>('conversations'),
    database.collection<MessageDocument>('messages'),
    {
      ...guard,
      read: (call) => step().then(() => guard.read(call)),
      write: (call) => step().then(() => guard.write(call)),
    },
  )
}
