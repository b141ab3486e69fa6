import { expect, test } from 'vitest'
import { createUnknownShapes } from '../../../../src/chat/model/wire/unknown-shapes.ts'

test('texts of one field are one, other values a list, and what says nothing is not told', () => {
  const shapes = createUnknownShapes()
  for (const value of ['Hel', 'lo', '  ', '', 7, true, null, [], { a: [0] }, { a: ['x'] }]) {
    shapes.note('delta', 'subtitles', value)
  }
  expect(shapes.take()).toEqual({
    type: 'data',
    name: 'unknown content of the model',
    data: [{ in: 'delta', field: 'subtitles', text: 'Hello', values: [{ a: ['x'] }] }],
  })
  expect(shapes.take()).toBeUndefined()
})

test('what is too much is counted and not kept, whatever it is', () => {
  const shapes = createUnknownShapes()
  const deep = Array.from({ length: 200 }).reduce<unknown>((inner) => [inner], 'x')
  shapes.note('delta', 'images', ['i'.repeat(100_000)])
  shapes.note('delta', 'deep', deep)
  for (let count = 0; count < 1_000; count += 1) shapes.note('choice', `field-${count} ${'n'.repeat(1_000)}`, 'text')
  const text = JSON.stringify(shapes.take())
  expect(text.length).toBeLessThan(5_000)
  expect(text).toContain('"omittedCharacters":100004')
  expect(shapes.summary()).toEqual({ count: 1_002, names: ['images', 'deep'] })
})

test('half characters are joined, and one that stays half is replaced', () => {
  const shapes = createUnknownShapes()
  shapes.note('delta', 'subtitles', '\ud83d')
  shapes.note('delta', 'subtitles', '\udc4b\ud83d')
  expect(shapes.take()?.data).toEqual([{ in: 'delta', field: 'subtitles', text: '👋\ufffd' }])
})
