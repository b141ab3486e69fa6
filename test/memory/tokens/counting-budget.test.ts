import { expect, test } from 'vitest'
import { RateLimitedError } from '../../../src/errors.ts'
import { createCountingBudget } from '../../../src/memory/tokens/counting-budget.ts'

const MB = 1_000_000
const SHORT = 16_000

test('a source that has as much under way as it may is refused, with a time, and the others are not', () => {
  const { admit } = createCountingBudget(SHORT)
  const releases = [1, 2].map(() => admit(4 * MB, { ownerId: 'o', source: 'a' }))
  const refused = catchError(() => admit(1, { ownerId: 'o', source: 'a' }))
  expect(refused).toBeInstanceOf(RateLimitedError)
  expect(refused).toMatchObject({ retryAfterMs: 2_000 })
  expect(String(refused)).toContain('8000000 bytes of at most 8000000')
  admit(4 * MB, { ownerId: 'o', source: 'b' })
  admit(4 * MB, { ownerId: 'other', source: 'a' })
  releases[0]?.()
  releases[0]?.()
  admit(4 * MB, { ownerId: 'o', source: 'a' })
  expect(() => admit(1, { ownerId: 'o', source: 'a' })).toThrow(RateLimitedError)
})

test('all that is long is bounded together, and what is short is let in beside it', () => {
  const { admit } = createCountingBudget(SHORT)
  const releases = Array.from({ length: 4 }, (_, index) => admit(4 * MB, { ownerId: 'o', source: `${index}` }))
  expect(() => admit(SHORT + 1, { ownerId: 'o', source: 'new' })).toThrow(RateLimitedError)
  for (let index = 0; index < 500; index++) admit(SHORT, { ownerId: 'o', source: `short ${index}` })
  expect(() => admit(SHORT, { ownerId: 'o', source: 'new' })).toThrow(RateLimitedError)
  releases[0]?.()
  admit(SHORT + 1, { ownerId: 'o', source: 'new' })
})

test('what is alone is let in whatever its length', () => {
  const { admit } = createCountingBudget(SHORT)
  const release = admit(100 * MB, { ownerId: 'o', source: '' })
  release()
  admit(100 * MB, { ownerId: 'o', source: '' })
})

function catchError(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return undefined
}
