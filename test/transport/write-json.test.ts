import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { writeJson } from '../../src/transport/write-json.ts'

const AT_ONCE = { next: () => undefined }

test('the text is that of JSON.stringify, whatever the value and however it is cut', async () => {
  const long = fc.string({ minLength: 5_000, maxLength: 40_000, unit: 'binary' })
  const value = fc.letrec((tie) => ({
    leaf: fc.oneof({ weight: 5, arbitrary: fc.jsonValue({ maxDepth: 2 }) }, long, fc.constant(undefined)),
    list: fc.array(tie('any'), { maxLength: 400 }),
    object: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'toJSON', '0')), tie('any')),
    any: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('list'), tie('object')),
  })).object
  await fc.assert(
    fc.asyncProperty(value, async (made) => {
      const text = await writeJson(made as object, AT_ONCE, Number.POSITIVE_INFINITY)
      expect(String(text)).toBe(JSON.stringify(made))
    }),
    { numRuns: 50 },
  )
})

test('bytes are counted as UTF-8, and what has too many is no text', async () => {
  const value = { a: Array.from({ length: 1_000 }, () => 'ü'.repeat(100)) }
  const bytes = Buffer.byteLength(JSON.stringify(value))
  expect((await writeJson(value, AT_ONCE, bytes))?.length).toBe(bytes)
  expect(await writeJson(value, AT_ONCE, bytes - 1)).toBeUndefined()
})

test('what is long takes turns, and ends when nobody wants it any more', async () => {
  const value = { a: Array.from({ length: 1_000 }, () => 'x'.repeat(1_000)) }
  const next = vi.fn(() => undefined)
  await writeJson(value, { next }, Number.POSITIVE_INFINITY)
  expect(next.mock.calls.length).toBeGreaterThan(10)
  const controller = new AbortController()
  const turns = { next: () => Promise.resolve(controller.abort(new Error('gone'))) }
  await expect(writeJson(value, turns, Number.POSITIVE_INFINITY, controller.signal)).rejects.toThrow('gone')
})

test('a text at which half a surrogate pair ends a piece is whole', async () => {
  const value = { a: Array.from({ length: 200 }, (_, at) => `${'x'.repeat(at * 7)}😀`) }
  expect(String(await writeJson(value, AT_ONCE, Number.POSITIVE_INFINITY))).toBe(JSON.stringify(value))
})
