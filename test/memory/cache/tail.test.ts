import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { TAIL_LENGTH_PER_TOKEN, type Tail } from '../../../src/memory/cache/cache.ts'
import { decodeTailValue, encodeTailValue } from '../../../src/memory/cache/cache-format.ts'
import { decodeTail, extendTail } from '../../../src/memory/cache/tail.ts'
import { joinTail } from '../../../src/memory/cache/tail-join.ts'
import { encodeRow, encodeRows, joinRows } from '../../../src/memory/cache/tail-row.ts'
import { createConversationId, messageId } from '../../../src/memory/ids.ts'
import type { Message } from '../../../src/memory/message.ts'
import { tailOf, tokensOfSpan } from './cache-rows.ts'

const CONVERSATION = createConversationId()
const EVERYTHING = Number.POSITIVE_INFINITY

/** The messages of a path, oldest first, from how many of them each branch has. */
function pathOf(segments: readonly [branch: string, count: number][], firstSequence = 1): Message[] {
  const branches = segments.flatMap(([branch, count]) => new Array<string>(count).fill(branch))
  return branches.map((branch, index) => {
    const sequence = firstSequence + index
    return {
      id: messageId(CONVERSATION, branch, sequence),
      conversationId: CONVERSATION,
      branch,
      sequence,
      tokens: tokensOfSpan(sequence, sequence),
      tokenStart: tokensOfSpan(1, sequence - 1),
      role: 'USER',
      status: 'COMPLETE',
      parts: [{ type: 'text', text: `${branch}/${sequence}` }],
      createdAt: 1_700_000_000_000 + sequence,
    }
  })
}

/** The tail of the path that ends on a branch, as reads of history fill it: first without rows, then with these. */
function fillTail(branch: string, messages: readonly Message[], firstSequence = messages[0]?.sequence ?? 1): Tail {
  const empty = tailOf(firstSequence, firstSequence - 1, { branch })
  return extended(extendTail(empty, [], messages, empty.knownFrom, EVERYTHING))
}

function extended(tail: Tail | undefined): Tail {
  if (tail === undefined) throw new Error('Junk')
  return tail
}

test('a tail that is filled over several branches has a fork where each one begins', () => {
  const tail = fillTail(
    'b2',
    pathOf([
      ['0', 3],
      ['b1', 1],
      ['b2', 2],
    ]),
  )
  expect(tail.forks).toEqual([
    { branch: 'b1', belowSequence: 5 },
    { branch: '0', belowSequence: 4 },
  ])
  expect(tail).toMatchObject({ branch: 'b2', first: 1, last: 6 })
})

test('a tail of one branch has no forks, whatever the branch', () => {
  expect(fillTail('b1', pathOf([['b1', 4]], 7)).forks).toEqual([])
})

test('messages before a tail bring their forks, also one right at its beginning', () => {
  const [older, newer] = splitAt(
    pathOf([
      ['0', 2],
      ['b1', 2],
      ['b2', 2],
    ]),
    4,
  )
  const tail = fillTail('b2', newer)
  expect(tail.forks).toEqual([])
  expect(extended(extendTail(tail, older, [], 0, EVERYTHING)).forks).toEqual([
    { branch: 'b1', belowSequence: 5 },
    { branch: '0', belowSequence: 3 },
  ])
})

test('a tail that ends before its own branch begins keeps the parent below what comes', () => {
  const [known, newer] = splitAt(
    pathOf([
      ['0', 4],
      ['b1', 1],
    ]),
    3,
  )
  const tail = fillTail('b1', known)
  expect(tail.forks).toEqual([{ branch: '0', belowSequence: 4 }])
  expect(extended(extendTail(tail, [], newer, 0, EVERYTHING)).forks).toEqual([{ branch: '0', belowSequence: 5 }])
})

test('a tail that is trimmed forgets the forks of rows that are gone', () => {
  const path = pathOf([
    ['0', 3],
    ['b1', 1],
    ['b2', 2],
  ])
  const trimmedTo = (first: number) => {
    const tail = extended(extendTail(fillTail('b2', path), [], [], 0, tokensOfSpan(first, 6)))
    expect(tail.first).toBe(first)
    return tail.forks.map(({ branch }) => branch)
  }
  expect([3, 4, 5, 6, 7].map(trimmedTo)).toEqual([['b1', '0'], ['b1'], [], [], []])
})

const segments = fc
  .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 6 })
  .map((counts) => counts.map((count, index): [string, number] => [index === 0 ? '0' : `b${index}`, count]))

test('whatever path is split into a tail, what is before it and what is behind it, joined it is the path again', () => {
  fc.assert(
    fc.property(segments, fc.nat(), fc.nat(), fc.nat(), fc.nat(), (counts, begin, end, keep, want) => {
      const path = pathOf(counts)
      const branch = path.at(-1)?.branch ?? ''
      const [upTo, newer] = splitAt(path, end % (path.length + 1))
      const [older, held] = splitAt(upTo, begin % (upTo.length + 1))
      const tail = fillTail(branch, held, older.length + 1)

      const joined = extended(extendTail(tail, older, newer, 0, EVERYTHING))
      expect(decodeTail(CONVERSATION, joined, 0)).toEqual(path)
      expect(decodeTailValue(encodeTailValue(joined))).toEqual(joined)

      const kept = path.slice(keep % (path.length + 1))
      const trimmed = extended(extendTail(tail, older, newer, 0, tokensOfMessages(kept)))
      expect(decodeTail(CONVERSATION, trimmed, 0)).toEqual(kept)
      expect(trimmed.forks.every(({ belowSequence }) => belowSequence > trimmed.first)).toBe(true)
      const left = path.at(-kept.length - 1)
      expect(trimmed.knownFrom).toBe(kept.length === path.length ? 0 : (left?.tokenStart ?? 0) + 1)

      const wanted = kept.slice(want % (kept.length + 1))
      expect(decodeTail(CONVERSATION, trimmed, wanted[0]?.tokenStart ?? EVERYTHING)).toEqual(wanted)
    }),
    { numRuns: 500 },
  )
})

test('of a long read only what a tail has room for is encoded', () => {
  const path = pathOf([['0', 5_000]])
  const stringify = vi.spyOn(JSON, 'stringify')
  for (const held of [0, 4]) {
    stringify.mockClear()
    const [older, rows] = splitAt(path, path.length - held)
    const tail = held === 0 ? tailOf(1, 0, {}) : fillTail('0', rows)
    const [before, behind] = held === 0 ? [[], path] : [older, []]
    expect(extended(extendTail(tail, before, behind, 0, tokensOfSpan(4_991, 5_000))).first).toBe(4_991)
    expect(stringify.mock.calls.length).toBeLessThan(20)
  }
  stringify.mockRestore()
})

test('of messages with much metadata only what a tail has room for is encoded', () => {
  const metadata = Object.fromEntries(['a', 'b', 'c', 'd'].map((key) => [key, 'x'.repeat(500)]))
  const path = pathOf([['0', 2_000]]).map((message) => ({ ...message, metadata }))
  const stringify = vi.spyOn(JSON, 'stringify')
  const tail = extended(extendTail(tailOf(1, 0, {}), [], path, 0, 100))
  // Its tokens alone would let 22 in.
  expect(stringify.mock.calls.length).toBeLessThan(10)
  stringify.mockRestore()
  expect(tail.last).toBe(2_000)
  expect(tail.rows.length).toBeLessThanOrEqual(100 * TAIL_LENGTH_PER_TOKEN)
  expect(tail.rows.length).toBeGreaterThan(100 * TAIL_LENGTH_PER_TOKEN - 2_500)
  const kept = decodeTail(CONVERSATION, tail, 0)
  expect(kept).toEqual(path.slice(tail.first - 1))
  expect(tail.knownFrom).toBe((path[tail.first - 2]?.tokenStart ?? 0) + 1)
})

test('rows that an append has trimmed away again are not written, and nothing else is different', () => {
  const text = fc.nat(12).map((tens) => 'é'.repeat(60 * tens))
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 12 }), fc.nat(30), fc.nat(3), (texts, tailTokens, held) => {
      const path = pathOf([['0', held + texts.length]]).map((message, index) => ({
        ...message,
        parts: [{ type: 'text' as const, text: texts[index - held] ?? 'held' }],
      }))
      const [before, appended] = splitAt(path, held)
      const tail = fillTail('0', before, 1)
      const joinRowsOf = (rows: string) => {
        const span = { epoch: 0, branch: '0', first: held + 1, last: path.length, tokens: tokensOfMessages(appended) }
        return joinTail(tail, { ...span, rows }, tailTokens)
      }
      const written = encodeRows(appended, tailTokens)
      expect(joinRowsOf(written)).toEqual(joinRowsOf(joinRows(appended.map(encodeRow))))
    }),
  )
  const [long] = pathOf([['0', 1]])
  const longer = long && { ...long, parts: [{ type: 'text' as const, text: 'x'.repeat(1_000_000) }], tokens: 200_000 }
  expect(encodeRows(longer ? [longer] : [], 8_000).length).toBeLessThan(30)
})

function splitAt(messages: readonly Message[], count: number): [Message[], Message[]] {
  return [messages.slice(0, count), messages.slice(count)]
}

function tokensOfMessages(messages: readonly Message[]): number {
  return messages.reduce((sum, { tokens }) => sum + tokens, 0)
}
