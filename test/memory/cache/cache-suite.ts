import { describe, expect, test } from 'vitest'
import {
  type Cache,
  MAX_EPOCH,
  MAX_POSITION,
  type Register,
  TAIL_LENGTH_PER_TOKEN,
  type Tail,
} from '../../../src/memory/cache/cache.ts'
import { appendedOf, SMALL_LIMITS, tailOf, tokensOfSpan } from './cache-rows.ts'
import { testForkedTails } from './forked-tails-suite.ts'

/** The same promises for every cache; each test has a conversation of its own. */
export function testCache(name: string, getCache: () => Cache): void {
  let conversations = 0
  const newConversation = () => `${name}-${++conversations}`
  const registerOf = async (id: string): Promise<Register | undefined> =>
    (await getCache().readEntries([id]))[0]?.register
  const storedTail = async (id: string): Promise<Tail | undefined> => (await getCache().readEntries([id]))[0]?.tail

  describe(name, () => {
    test('an unknown conversation has neither register nor tail', async () => {
      expect(await getCache().readEntries([newConversation()])).toEqual([{}])
    })

    test('no conversations are no entries', async () => {
      expect(await getCache().readEntries([])).toEqual([])
    })

    test('entries come in the order asked, one for each id, also for one asked twice', async () => {
      const [first, second] = [newConversation(), newConversation()]
      await getCache().open(first, 'one')
      await getCache().open(second, 'two')
      const entries = await getCache().readEntries([second, newConversation(), first, second])
      expect(entries.map(({ register }) => register?.generation)).toEqual(['two', undefined, 'one', 'two'])
    })

    test('open creates a register, and a second open returns the first one', async () => {
      const id = newConversation()
      const opened = await getCache().open(id, 'g1')
      expect(opened).toEqual({ generation: 'g1', epoch: 0, marks: {}, raisedAt: 0 })
      expect(await getCache().open(id, 'g2')).toEqual(opened)
      expect(await registerOf(id)).toEqual(opened)
    })

    test('a mark creates the register when there is none', async () => {
      const id = newConversation()
      await getCache().mark(id, { epoch: 2, branch: '0', sequence: 7 }, 'g1')
      expect(await registerOf(id)).toEqual({
        generation: 'g1',
        epoch: 2,
        marks: { '0': 7 },
        raisedAt: expect.any(Number),
      })
      expect((await registerOf(id))?.raisedAt).toBeGreaterThan(0)
    })

    test('only what raises the epoch changes the time at which it rose', async () => {
      const id = newConversation()
      await getCache().mark(id, { epoch: 0, branch: '0', sequence: 7 }, 'g1')
      expect(await registerOf(id)).toMatchObject({ raisedAt: 0 })
      await getCache().confirm(id, appendedOf(8, 8))
      expect(await registerOf(id)).toMatchObject({ raisedAt: 0, marks: { '0': 8 } })
      await getCache().confirm(id, appendedOf(9, 9, { epoch: 1 }))
      expect((await registerOf(id))?.raisedAt).toBeGreaterThan(0)
    })

    test('marks that arrive late, twice or out of order never lower the register', async () => {
      const id = newConversation()
      await getCache().mark(id, { epoch: 3, branch: '0', sequence: 9 }, 'g1')
      await getCache().mark(id, { epoch: 2, branch: '0', sequence: 8 }, 'g2')
      await getCache().mark(id, { epoch: 1, branch: 'b1', sequence: 4 }, 'g2')
      expect(await registerOf(id)).toMatchObject({ generation: 'g1', epoch: 3, marks: { '0': 9, b1: 4 } })
    })

    test('positions and epochs up to the largest one are kept exactly', async () => {
      const id = newConversation()
      const largest = MAX_POSITION
      await getCache().mark(id, { epoch: MAX_EPOCH, branch: '0', sequence: largest - 1 }, 'g1')
      const place = { epoch: MAX_EPOCH, tokenStart: largest - 10, knownFrom: largest - 12 }
      await getCache().fill(id, tailOf(largest - 3, largest - 3, { ...place, tokens: 5, rows: '5,0' }), 50)
      await getCache().confirm(id, {
        ...appendedOf(1, 1),
        first: largest - 2,
        last: largest - 2,
        tokens: 4,
        rows: '4,0',
      })
      expect(await registerOf(id)).toMatchObject({ epoch: MAX_EPOCH, marks: { '0': largest - 1 } })
      expect(await storedTail(id)).toMatchObject({
        first: largest - 3,
        last: largest - 2,
        tokenStart: largest - 10,
        knownFrom: largest - 12,
        tokens: 9,
        rows: '5,0,\n4,0',
      })
    })

    test('a tail comes back as it was filled', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      expect(await getCache().fill(id, tailOf(3, 5), 50)).toBe(true)
      expect(await storedTail(id)).toEqual(tailOf(3, 5))
      expect(await registerOf(id)).toMatchObject({ marks: { '0': 5 } })
    })

    test('a tail keeps the end of its conversation, also when a confirm joins to it', async () => {
      const id = newConversation()
      const expiresAt = 1_800_000_000_001
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(1, 3, { expiresAt }), 50)
      expect(await storedTail(id)).toEqual(tailOf(1, 3, { expiresAt }))
      await getCache().confirm(id, appendedOf(4, 5))
      expect(await storedTail(id)).toEqual(tailOf(1, 5, { expiresAt }))
    })

    test('an empty tail still tells the head, and a confirm joins to it', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(1, 0), 50)
      expect(await storedTail(id)).toEqual(tailOf(1, 0))
      await getCache().confirm(id, appendedOf(1, 2))
      expect(await storedTail(id)).toEqual(tailOf(1, 2))
    })

    test('a fill without a register, or with the generation of an earlier one, is refused', async () => {
      const id = newConversation()
      expect(await getCache().fill(id, tailOf(1, 3), 50)).toBe(false)
      await getCache().open(id, 'g2')
      expect(await getCache().fill(id, tailOf(1, 3), 50)).toBe(false)
      expect(await storedTail(id)).toBeUndefined()
    })

    test('a fill that says less than the tail is refused, one that says more is taken', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      const fill = (tail: Tail) => getCache().fill(id, tail, 50)
      expect(await fill(tailOf(3, 5))).toBe(true)
      expect(await fill(tailOf(1, 4))).toBe(false)
      expect(await fill(tailOf(3, 5))).toBe(false)
      expect(await fill(tailOf(2, 5))).toBe(true)
      expect(await fill(tailOf(4, 6))).toBe(true)
      expect(await fill(tailOf(2, 2, { branch: 'b1', epoch: 1 }))).toBe(true)
      expect(await fill(tailOf(1, 9))).toBe(false)
    })

    test('a fill never lowers the mark of an append that is under way', async () => {
      const id = newConversation()
      await getCache().mark(id, { epoch: 1, branch: '0', sequence: 9 }, 'g1')
      expect(await getCache().fill(id, tailOf(1, 3), 50)).toBe(true)
      expect(await registerOf(id)).toMatchObject({ epoch: 1, marks: { '0': 9 } })
    })

    test('a confirm joins its rows to the tail and skips those that are there', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(1, 3), 50)
      await getCache().confirm(id, appendedOf(2, 5))
      expect(await storedTail(id)).toEqual(tailOf(1, 5))
      expect(await registerOf(id)).toMatchObject({ marks: { '0': 5 } })
    })

    test('a confirm trims the front to the tokens of a tail', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(1, 6), 50)
      await getCache().confirm(id, appendedOf(7, 8))
      expect(await storedTail(id)).toEqual(tailOf(3, 8))
      expect(tokensOfSpan(3, 8)).toBeLessThanOrEqual(SMALL_LIMITS.tailTokens)
      expect(tokensOfSpan(2, 8)).toBeGreaterThan(SMALL_LIMITS.tailTokens)
    })

    test('a message larger than a tail leaves an empty one that tells the head', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(1, 2), 50)
      await getCache().confirm(id, { ...appendedOf(3, 3), tokens: 31, rows: '31,"u",1,"long",0' })
      const tokenStart = tokensOfSpan(1, 2) + 31
      expect(await storedTail(id)).toEqual(tailOf(4, 3, { tokenStart, tokens: 0, rows: '' }))
    })

    test('a confirm trims the front to the characters of a tail, whatever the tokens', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(1, 2), 50)
      const second = tailOf(2, 2).rows
      const room = TAIL_LENGTH_PER_TOKEN * SMALL_LIMITS.tailTokens - Buffer.byteLength(second)
      const third = `4,"u",1,"${'x'.repeat(room - '4,"u",1,"",0,\n'.length)}",0`
      await getCache().confirm(id, { ...appendedOf(3, 3), tokens: 4, rows: third })
      const tokens = tokensOfSpan(2, 2) + 4
      expect(await storedTail(id)).toEqual(tailOf(2, 3, { tokens, knownFrom: 1, rows: `${second},\n${third}` }))
    })

    test('a message with more characters than a tail leaves an empty one that tells the head', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(1, 2), 50)
      const rows = `4,"u",1,"${'x'.repeat(TAIL_LENGTH_PER_TOKEN * SMALL_LIMITS.tailTokens)}",0`
      await getCache().confirm(id, { ...appendedOf(3, 3), tokens: 4, rows })
      const tokenStart = tokensOfSpan(1, 2) + 4
      const knownFrom = tokensOfSpan(1, 2) + 1
      expect(await storedTail(id)).toEqual(tailOf(4, 3, { tokenStart, knownFrom, tokens: 0, rows: '' }))
    })

    test('a confirm that would leave a hole raises the register and leaves the tail', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(1, 3), 50)
      await getCache().confirm(id, appendedOf(5, 6))
      expect(await storedTail(id)).toEqual(tailOf(1, 3))
      expect(await registerOf(id)).toMatchObject({ marks: { '0': 6 } })
    })

    test('a confirm of another branch or of known rows leaves the tail', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(1, 3), 50)
      await getCache().confirm(id, appendedOf(4, 4, { branch: 'b1', epoch: 1 }))
      await getCache().confirm(id, appendedOf(2, 3))
      expect(await storedTail(id)).toEqual(tailOf(1, 3))
      expect(await registerOf(id)).toMatchObject({ epoch: 1, marks: { '0': 3, b1: 4 } })
    })

    test('a confirm without a register does nothing', async () => {
      const id = newConversation()
      await getCache().confirm(id, appendedOf(1, 1))
      expect(await getCache().readEntries([id])).toEqual([{}])
    })

    test('an entry is opened where nothing is there, and else read as it is', async () => {
      const id = newConversation()
      expect(await getCache().openEntry(id, 'g1')).toEqual({
        register: { generation: 'g1', epoch: 0, marks: {}, raisedAt: 0 },
      })
      await getCache().fill(id, tailOf(1, 3), 50)
      expect(await getCache().openEntry(id, 'g2')).toMatchObject({
        register: { generation: 'g1', marks: { '0': 3 } },
        tail: tailOf(1, 3),
      })
    })

    test('drop removes the tail, and a fill from before it is refused', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(1, 3), 50)
      await getCache().drop(id, 'g2')
      expect(await storedTail(id)).toBeUndefined()
      expect(await getCache().fill(id, tailOf(1, 3), 50)).toBe(false)
      expect(await getCache().fill(id, tailOf(1, 3, { generation: 'g2' }), 50)).toBe(true)
    })

    test('drop keeps the epoch, the marks and the time of the epoch', async () => {
      const id = newConversation()
      await getCache().mark(id, { epoch: 2, branch: '0', sequence: 7 }, 'g1')
      await getCache().mark(id, { epoch: 1, branch: 'b1', sequence: 4 }, 'g1')
      const before = await registerOf(id)
      await getCache().drop(id, 'g2')
      expect(await registerOf(id)).toEqual({ ...before, generation: 'g2' })
      await getCache().fill(id, tailOf(1, 3, { generation: 'g2' }), 50)
      expect(await registerOf(id)).toMatchObject({ epoch: 2, marks: { '0': 7, b1: 4 } })
    })

    test('drop makes no register', async () => {
      const id = newConversation()
      await getCache().drop(id, 'g1')
      expect(await getCache().readEntries([id])).toEqual([{}])
    })

    test('a based fill is taken by the tail that it is based on, and by no other', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      expect(await getCache().fill(id, tailOf(2, 5), undefined)).toBe(false)
      await getCache().fill(id, tailOf(3, 5), 50)
      expect(await getCache().fill(id, tailOf(2, 5, { life: 'another' }), undefined)).toBe(false)
      expect(await getCache().fill(id, tailOf(2, 5), undefined)).toBe(true)
      expect(await getCache().fill(id, tailOf(2, 6), undefined)).toBe(true)
      expect(await storedTail(id)).toEqual(tailOf(2, 6))
    })

    test('a based fill is refused when its tail was dropped meanwhile, and filled again', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(3, 5), 50)
      await getCache().drop(id, 'g2')
      expect(await getCache().fill(id, tailOf(2, 5, { generation: 'g2' }), undefined)).toBe(false)
      await getCache().fill(id, tailOf(3, 5, { generation: 'g2', life: 'life-2' }), 50)
      expect(await getCache().fill(id, tailOf(2, 5, { generation: 'g2' }), undefined)).toBe(false)
      expect(await getCache().fill(id, tailOf(2, 5), undefined)).toBe(false)
      expect(await storedTail(id)).toMatchObject({ first: 3, life: 'life-2' })
    })

    test('a whole fill begins a new life', async () => {
      const id = newConversation()
      await getCache().open(id, 'g1')
      await getCache().fill(id, tailOf(3, 5), 50)
      await getCache().fill(id, tailOf(3, 6, { life: 'life-2' }), 50)
      await getCache().confirm(id, appendedOf(7, 7))
      expect(await storedTail(id)).toMatchObject({ life: 'life-2', last: 7 })
    })

    test('ping answers', async () => {
      await getCache().ping()
    })

    testForkedTails(getCache, newConversation)
  })
}
