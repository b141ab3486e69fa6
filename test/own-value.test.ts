import { expect, test } from 'vitest'
import { headHint } from '../src/memory/conversation.ts'
import { ownValue } from '../src/own-value.ts'

test.each(['constructor', 'toString', '__proto__', 'hasOwnProperty'])('nothing is found under %s', (word) => {
  expect(ownValue({}, word)).toBe(undefined)
  expect(ownValue(JSON.parse(`{"${word}":1}`), word)).toBe(1)
})

test('a branch may have a name that every object inherits', () => {
  const branch = { id: 'constructor', parent: '0', atSequence: 3, tokenStart: 20 }
  expect(headHint({ heads: {}, branches: [branch] } as never, 'constructor')).toEqual({ sequence: 2, tokens: 20 })
})
