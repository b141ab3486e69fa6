import { expect, test } from 'vitest'
import type { Cache, Fork, Tail } from '../../../src/memory/cache/cache.ts'
import { appendedOf, tailOf, tokensOfSpan } from './cache-rows.ts'

/** What every cache promises of tails whose path comes from other branches; each test has a conversation of its own. */
export function testForkedTails(getCache: () => Cache, newConversation: () => string): void {
  const storedTail = async (id: string): Promise<Tail | undefined> => (await getCache().readEntries([id]))[0]?.tail

  /** A conversation whose tail ends on `b2`. */
  async function fillForked(first: number, last: number, forks: readonly Fork[]): Promise<string> {
    const id = newConversation()
    await getCache().open(id, 'g1')
    expect(await getCache().fill(id, tailOf(first, last, { branch: 'b2', forks }), 50)).toBe(true)
    return id
  }

  test('a tail over several branches comes back as it was filled, with marks of all of them', async () => {
    const forks = [forkOf('b1', 5), forkOf('0', 3)]
    const id = await fillForked(1, 6, forks)
    expect(await storedTail(id)).toEqual(tailOf(1, 6, { branch: 'b2', forks }))
    expect((await getCache().readEntries([id]))[0]?.register?.marks).toEqual({ b2: 6, b1: 4, '0': 2 })
  })

  test('a confirm keeps the forks of the tail that it joins to', async () => {
    const forks = [forkOf('b1', 4), forkOf('0', 3)]
    const id = await fillForked(2, 4, forks)
    await getCache().confirm(id, appendedOf(4, 6, { branch: 'b2' }))
    expect(await storedTail(id)).toEqual(tailOf(2, 6, { branch: 'b2', forks }))
  })

  test('a confirm that trims the front forgets the forks of rows that are gone, and no other', async () => {
    const kept = [forkOf('b1', 6), forkOf('b0', 4)]
    const id = await fillForked(1, 6, [...kept, forkOf('0', 3)])
    await getCache().confirm(id, appendedOf(7, 8, { branch: 'b2' }))
    expect(await storedTail(id)).toEqual(tailOf(3, 8, { branch: 'b2', forks: kept }))
  })

  test('a tail that is trimmed past its last fork is one without forks, and is joined to as such', async () => {
    const id = await fillForked(1, 6, [forkOf('b1', 3), forkOf('0', 2)])
    await getCache().confirm(id, appendedOf(7, 8, { branch: 'b2' }))
    expect(await storedTail(id)).toEqual(tailOf(3, 8, { branch: 'b2' }))
    await getCache().confirm(id, appendedOf(9, 9, { branch: 'b2' }))
    expect(await storedTail(id)).toMatchObject({ last: 9, forks: [] })
  })

  test('a message larger than a tail leaves no fork', async () => {
    const id = await fillForked(1, 3, [forkOf('0', 3)])
    await getCache().confirm(id, { ...appendedOf(4, 4, { branch: 'b2' }), tokens: 31, rows: '31,"u",1,"long",0' })
    const tokenStart = tokensOfSpan(1, 3) + 31
    expect(await storedTail(id)).toEqual(tailOf(5, 4, { branch: 'b2', tokenStart, tokens: 0, rows: '' }))
  })

  test('a confirm of a branch that the tail comes from leaves it', async () => {
    const forks = [forkOf('0', 3)]
    const id = await fillForked(1, 3, forks)
    await getCache().confirm(id, appendedOf(3, 4))
    expect(await storedTail(id)).toEqual(tailOf(1, 3, { branch: 'b2', forks }))
  })
}

function forkOf(branch: string, belowSequence: number): Fork {
  return { branch, belowSequence }
}
