import { expect, test } from 'vitest'
import { createSharedBudget } from '../../../src/transport/bounds/shared-budget.ts'

function openShares(maxBytes: number, ...names: string[]) {
  const budget = createSharedBudget(maxBytes)
  const dropped: string[] = []
  return { dropped, shares: names.map((name) => budget.open(() => dropped.push(name))) }
}

test('those that have not moved for longest make room', () => {
  const { shares, dropped } = openShares(10, 'a', 'b', 'c')
  const [a, b, c] = shares
  a?.hold(4)
  b?.hold(4)
  a?.hold(5)
  c?.hold(1)
  expect(dropped).toEqual([])
  c?.hold(2)
  expect(dropped).toEqual(['b'])
})

test('what was closed or dropped counts no more, also when it goes on', () => {
  const { shares, dropped } = openShares(10, 'a', 'b', 'c')
  const [a, b, c] = shares
  a?.hold(10)
  a?.close()
  b?.hold(10)
  c?.hold(5)
  b?.hold(10)
  c?.hold(10)
  expect(dropped).toEqual(['b'])
})

test('what is kept does not go: the new one does', () => {
  const { shares, dropped } = openShares(10, 'a', 'b')
  const [a, b] = shares
  a?.hold(8)
  a?.keep()
  b?.hold(3)
  expect(dropped).toEqual(['b'])
})
