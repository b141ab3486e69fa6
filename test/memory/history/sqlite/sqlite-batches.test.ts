import { expect, onTestFinished, test } from 'vitest'
import type { History, SequenceRange } from '../../../../src/memory/history/history.ts'
import { createSqliteHistory } from '../../../../src/memory/history/sqlite/sqlite-history.ts'
import { createConversationId } from '../../../../src/memory/ids.ts'
import { sampleMessages } from '../stored-samples.ts'

const LENGTH = 5_000
const BRANCHES = 1_000
const conversationId = createConversationId()
const messages = sampleMessages(conversationId, 1, LENGTH)
const ofBranch = { conversationId, branch: '0', limit: LENGTH }
const sequences = { ...ofBranch, afterSequence: 0, beforeSequence: LENGTH + 1 }

const READS: Record<string, (history: History) => Promise<unknown>> = {
  'a long range': (history) => history.readTokenRange({ ...ofBranch, fromTokens: 0 }),
  'a long range by sequence': (history) => history.readSequenceRange({ ...sequences, from: 'OLDEST' }),
  'ranges of many branches at once': (history) => {
    const branches = Array.from({ length: BRANCHES }, (_, index) => `branch${index}`)
    return Promise.all(branches.map((branch) => history.readTokenRange({ ...ofBranch, branch, fromTokens: 0 })))
  },
  'many messages by id': (history) => history.findMessages(messages.slice(0, BRANCHES).map(({ id }) => id)),
  'many messages by idempotency key': (history) => {
    return history.findByIdempotencyKeys(
      conversationId,
      Array.from({ length: BRANCHES }, (_, index) => `c:${index}`),
    )
  },
}

test.each(Object.entries(READS))('reading %s leaves ticks of the event loop to others', async (_, read) => {
  const history = await storeMessages()
  const ticks = countTicks()
  await read(history)
  expect(ticks()).toBeGreaterThan(2)
})

test('long messages that many append at once are stored one in each tick of the event loop', async () => {
  const history = await storeMessages()
  const ids = Array.from({ length: 5 }, () => createConversationId())
  const text = 'x'.repeat(300_000)
  const ticks = countTicks()
  await Promise.all(
    ids.map((id) =>
      history.insertMessages(sampleMessages(id, 1, 1).map((one) => ({ ...one, parts: [{ type: 'text', text }] }))),
    ),
  )
  expect(ticks()).toBeGreaterThanOrEqual(ids.length - 1)
})

test('a range that is longer than a page is read whole, in order, and up to its limit', async () => {
  const history = await storeMessages()
  const newestFirst = messages.toReversed()
  expect(await history.readTokenRange({ ...ofBranch, fromTokens: 0 })).toEqual(newestFirst)
  expect(await history.readTokenRange({ ...ofBranch, fromTokens: 0, limit: 777 })).toEqual(newestFirst.slice(0, 777))
  const readSequences = async (range: Pick<SequenceRange, 'from'> & Partial<SequenceRange>) =>
    (await history.readSequenceRange({ ...sequences, ...range })).messages
  expect(await readSequences({ from: 'OLDEST' })).toEqual(messages)
  expect(await readSequences({ limit: 777, from: 'OLDEST' })).toEqual(messages.slice(0, 777))
  expect(await readSequences({ limit: 777, from: 'NEWEST' })).toEqual(messages.slice(-777))
})

async function storeMessages(): Promise<History> {
  const history = createSqliteHistory(':memory:')
  onTestFinished(() => history.close())
  await history.prepare()
  await history.insertMessages(messages)
  return history
}

/** How many ticks the event loop has had since. */
function countTicks(): () => number {
  let ticks = 0
  const count = () => {
    ticks += 1
    next = setImmediate(count)
  }
  let next = setImmediate(count)
  onTestFinished(() => clearImmediate(next))
  return () => ticks
}
