import { expect, test } from 'vitest'
import { createSentSteps } from './sent-steps.ts'

test('what was under way during a wait is told, the longest first', () => {
  const sent = createSentSteps()
  for (const [begin, end] of [
    [0, 10],
    [5, 25],
    [12, 14],
    [15, 60],
    [40, 50],
  ] as const)
    sent.add({ begin, end, text: `${begin}` })
  expect(sent.during(11, 20)).toBe(
    '1970-01-01T00:00:00.015Z, 45 ms: 15\n1970-01-01T00:00:00.005Z, 20 ms: 5\n1970-01-01T00:00:00.012Z, 2 ms: 12',
  )
})

test('long ones are shortened, and the latest are kept', () => {
  const sent = createSentSteps()
  for (let at = 0; at < 50_000; at += 1) sent.add({ begin: at, end: at, text: 'x'.repeat(1_000) })
  expect(sent.during(49_999, 49_999)).toHaveLength('1970-01-01T00:00:49.999Z, 0 ms: '.length + 300)
  expect(sent.during(0, 0)).toBe('')
})
