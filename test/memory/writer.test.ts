import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createWriter, type WriterDeps, type WriterLimits } from '../../src/memory/writer.ts'
import { appendedOf, tailOf } from './cache/cache-rows.ts'

/** A writer whose writes are recorded and end only when the test says so. */
function createRecordedWriter(limits: WriterLimits = {}) {
  const written: unknown[][] = []
  const errors: unknown[] = []
  const gate = Promise.withResolvers<void>()
  const parts: WriterDeps = {
    guard: {
      async fill(...args) {
        written.push(['fill', ...args])
        await gate.promise
        return true
      },
      async confirm(...args) {
        written.push(['confirm', ...args])
        await gate.promise
      },
    },
    history: {
      async raiseHead(...args) {
        written.push(['raiseHead', ...args])
        await gate.promise
      },
    },
    onError: (conversationId, error) => errors.push([conversationId, String(error)]),
  }
  return { writer: createWriter(parts, limits), written, errors, release: gate.resolve }
}

test('nothing is written in the turn that hands it over', async () => {
  const { writer, written, release } = createRecordedWriter()
  release()
  writer.confirm('a', appendedOf(1, 1))
  await Promise.resolve()
  expect(written).toEqual([])
  expect(writer.depth).toBe(1)
  await writer.drain(5_000)
  expect(written).toEqual([['confirm', 'a', appendedOf(1, 1)]])
  expect(writer.depth).toBe(0)
})

test('confirms that are contiguous become one, whatever their order; others stay apart', async () => {
  const { writer, written, release } = createRecordedWriter()
  release()
  writer.confirm('a', appendedOf(7, 7))
  writer.confirm('a', appendedOf(5, 5, { epoch: 2 }))
  writer.confirm('a', appendedOf(6, 6))
  writer.confirm('a', appendedOf(9, 9))
  writer.confirm('a', appendedOf(8, 8, { branch: 'b1' }))
  writer.confirm('b', appendedOf(8, 8))
  await writer.drain(5_000)
  expect(written.filter(([, id]) => id === 'a')).toEqual([
    ['confirm', 'a', appendedOf(5, 7, { epoch: 2 })],
    ['confirm', 'a', appendedOf(9, 9)],
    ['confirm', 'a', appendedOf(8, 8, { branch: 'b1' })],
  ])
  expect(written.filter(([, id]) => id === 'b')).toEqual([['confirm', 'b', appendedOf(8, 8)]])
})

test('a merged confirm goes behind a fill that was handed over in between', async () => {
  const { writer, written, release } = createRecordedWriter()
  release()
  writer.confirm('a', appendedOf(5, 5))
  writer.fill('a', tailOf(1, 5), 50)
  writer.confirm('a', appendedOf(6, 6))
  await writer.drain(5_000)
  expect(written).toEqual([
    ['fill', 'a', tailOf(1, 5), 50],
    ['confirm', 'a', appendedOf(5, 6)],
  ])
})

test('of waiting fills the one that says most is written, or that of the newest generation', async () => {
  const { writer, written, release } = createRecordedWriter()
  release()
  writer.fill('a', tailOf(2, 5), 50)
  writer.fill('a', tailOf(1, 4), 50)
  writer.fill('a', tailOf(1, 5), 50)
  writer.fill('b', tailOf(1, 9, { epoch: 3 }), 50)
  writer.fill('b', tailOf(1, 2, { generation: 'g2' }), 50)
  await writer.drain(5_000)
  expect(written).toEqual([
    ['fill', 'a', tailOf(1, 5), 50],
    ['fill', 'b', tailOf(1, 2, { generation: 'g2' }), 50],
  ])
})

test('head hints of one branch become the highest', async () => {
  const { writer, written, release } = createRecordedWriter()
  release()
  writer.raiseHead('a', '0', { sequence: 5, tokens: 50 }, 100)
  writer.raiseHead('a', '0', { sequence: 4, tokens: 40 }, 200)
  writer.raiseHead('a', 'b1', { sequence: 3, tokens: 30 }, 300)
  await writer.drain(5_000)
  expect(written).toEqual([
    ['raiseHead', 'a', '0', { sequence: 5, tokens: 50 }, 200],
    ['raiseHead', 'a', 'b1', { sequence: 3, tokens: 30 }, 300],
  ])
})

test('jobs of one conversation run one after another, those of others meanwhile', async () => {
  const { writer, written, release } = createRecordedWriter()
  writer.confirm('a', appendedOf(1, 1))
  writer.raiseHead('a', '0', { sequence: 1, tokens: 3 }, 100)
  writer.confirm('b', appendedOf(1, 1))
  await expect.poll(() => written.length).toBe(2)
  expect(written.map(([type, id]) => [type, id])).toEqual([
    ['confirm', 'a'],
    ['confirm', 'b'],
  ])
  release()
  await writer.drain(5_000)
  expect(written.map(([type, id]) => [type, id])).toEqual([
    ['confirm', 'a'],
    ['confirm', 'b'],
    ['raiseHead', 'a'],
  ])
})

test('a job that fails is reported, and the next one runs', async () => {
  const { writer, written, errors, release } = createRecordedWriter()
  release()
  writer.run('a', async () => {
    throw new Error('no')
  })
  writer.confirm('a', appendedOf(1, 1))
  await writer.drain(5_000)
  expect(errors).toEqual([['a', 'Error: no']])
  expect(written).toEqual([['confirm', 'a', appendedOf(1, 1)]])
  expect(writer.dropped).toBe(1)
})

test('a job that does not end is given up at its deadline and counted, and the next one runs', async () => {
  const { writer, written, errors, release } = createRecordedWriter({ jobTimeoutMs: 20 })
  release()
  writer.run('a', () => new Promise(() => {}))
  writer.confirm('a', appendedOf(1, 1))
  await writer.drain(5_000)
  expect(errors).toEqual([['a', expect.stringContaining('TimeoutError')]])
  expect(written).toEqual([['confirm', 'a', appendedOf(1, 1)]])
  expect(writer.dropped).toBe(1)
})

test('more conversations, or more jobs of one, than may wait are dropped and counted', async () => {
  const { writer, written, release } = createRecordedWriter({ maxConversations: 2, maxJobsOfConversation: 2 })
  for (const id of ['a', 'b', 'c']) writer.confirm(id, appendedOf(1, 1))
  writer.confirm('a', appendedOf(3, 3))
  writer.confirm('a', appendedOf(5, 5))
  writer.confirm('a', appendedOf(2, 2))
  expect(writer.dropped).toBe(2)
  release()
  await writer.drain(5_000)
  expect(written.map(([, id, appended]) => [id, appended])).toEqual(
    expect.arrayContaining([
      ['a', appendedOf(1, 3)],
      ['b', appendedOf(1, 1)],
    ]),
  )
})

test('drain waits for what is handed over, at most until its deadline; the rest is dropped and counted', async () => {
  const { writer, written, release } = createRecordedWriter({ concurrency: 1 })
  writer.confirm('a', appendedOf(1, 1))
  writer.raiseHead('a', '0', { sequence: 1, tokens: 3 }, 100)
  writer.confirm('b', appendedOf(1, 1))
  await writer.drain(20)
  expect(written.length).toBe(1)
  expect(writer.dropped).toBe(2)
  expect(writer.depth).toBe(0)
  release()
  await writer.drain(5_000)
  await nextTurn()
  expect(written.length).toBe(1)
})
