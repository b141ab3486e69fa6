import { expect, test } from 'vitest'
import type { Branch } from '../../../src/memory/conversation.ts'
import type { SequenceRange } from '../../../src/memory/history/history.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import { readPathSequences } from '../../../src/memory/read/path-sequences.ts'
import { sampleMessage } from '../history/stored-samples.ts'

const ALL = { afterSequence: 0, beforeSequence: 101, limit: 101, maxLength: 10 }
const id = createConversationId()
/** A path of which each message is on a branch of its own. */
const branches = Array.from({ length: 99 }, (_, index): Branch => {
  return {
    id: `b${index}`,
    parent: index === 0 ? '0' : `b${index - 1}`,
    atSequence: index + 2,
    tokenStart: 10 * (index + 1),
  }
})

test.each([
  ['OLDEST', 1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  ['NEWEST', 1, [91, 92, 93, 94, 95, 96, 97, 98, 99, 100]],
  ['OLDEST', 4, [1, 2]],
  ['NEWEST', 4, [99, 100]],
  ['OLDEST', 50, [1]],
] as const)(
  'of long messages on many branches only those near the %s are read: %i characters each',
  async (from, length, expected) => {
    const { history, read } = recordReads(length)
    const run = await readPathSequences(history, { id, branches }, 'b98', { ...ALL, from })
    expect([run.messages.map(({ sequence }) => sequence), run.isShortened]).toEqual([expected, true])
    expect(read.length).toBeLessThanOrEqual(16)
  },
)

test('short messages on many branches are all there', async () => {
  const { history } = recordReads(0)
  const run = await readPathSequences(history, { id, branches }, 'b98', { ...ALL, from: 'OLDEST' })
  expect([run.messages.length, run.isShortened]).toEqual([100, false])
})

function recordReads(length: number) {
  const read: SequenceRange[] = []
  async function readSequenceRange(range: SequenceRange) {
    read.push(range)
    const message = sampleMessage(id, range.afterSequence + 1, { branch: range.branch })
    return { messages: [message], length, isShortened: false }
  }
  return { history: { readSequenceRange }, read }
}
