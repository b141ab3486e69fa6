import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createDateTime } from '../../src/schema/date-time.ts'

test('a time is written as it writes itself, and so are its milliseconds', () => {
  const dateTime = createDateTime()
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), (time) => {
      expect(dateTime.coerceOutputValue(time)).toBe(time.toISOString())
      expect(dateTime.coerceOutputValue(time.getTime())).toBe(time.toISOString())
    }),
  )
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, 8.64e15 + 1, new Date(Number.NaN), 'soon', {}])(
  '%s is no time',
  (value) => {
    expect(() => createDateTime().coerceOutputValue(value)).toThrow(RangeError)
  },
)
