import { afterEach, expect, test, vi } from 'vitest'
import { HistoryUnavailableError } from '../src/errors.ts'
import { createFaultLog, reportFaults } from '../src/fault-log.ts'
import { logError, urlWithoutAccess } from '../src/log-error.ts'
import { createKeptLog } from './support/kept-log.ts'

afterEach(() => void vi.useRealTimers())

const LINES = { begins: 'it fails', ends: 'it is back', fields: { host: 'there' } }

test('trouble is one line when it begins and one when it ends, with its reason and how often it came', () => {
  const log = createKeptLog()
  const faults = createFaultLog(log, LINES)
  faults.onSuccess()
  for (const cause of ['cut', 'cut again', 'still']) faults.onFault(new Error('wrapped', { cause: new Error(cause) }))
  faults.onSuccess()
  faults.onSuccess()
  faults.onFault(new Error('anew'))
  expect(log.entries.filter(({ level }) => level !== 'debug')).toEqual([
    { level: 'warn', fields: { host: 'there', reason: 'cut' }, message: 'it fails' },
    { level: 'info', fields: { host: 'there', faults: 3 }, message: 'it is back' },
    { level: 'warn', fields: { host: 'there', reason: 'anew' }, message: 'it fails' },
  ])
})

test('with several sources it ends when the last of them has recovered', () => {
  const log = createKeptLog()
  const faults = createFaultLog(log, LINES)
  faults.onFault(new Error('a'), 'one')
  faults.onFault(new Error('b'), 'other')
  faults.onSuccess('one')
  expect(log.entries.filter(({ level }) => level === 'info')).toEqual([])
  faults.onSuccess('other')
  expect(log.entries.filter(({ level }) => level === 'info')).toHaveLength(1)
})

test('what fails on and off is one fault, until it has not failed for a while', () => {
  vi.useFakeTimers()
  const log = createKeptLog()
  const faults = createFaultLog(log, { ...LINES, quietMs: 10_000 })
  for (let count = 0; count < 5; count += 1) {
    faults.onFault(new Error('the disk is full'), 'writes')
    vi.advanceTimersByTime(9_000)
    faults.onSuccess('writes')
  }
  expect(log.entries.filter(({ level }) => level !== 'debug')).toHaveLength(1)
  // Nothing more is written meanwhile.
  vi.advanceTimersByTime(1_000)
  expect(log.entries.at(-1)).toEqual({ level: 'info', fields: { host: 'there', faults: 5 }, message: 'it is back' })
})

test('what has not succeeded since it failed is not back because time passes', () => {
  vi.useFakeTimers()
  const log = createKeptLog()
  const faults = createFaultLog(log, { ...LINES, quietMs: 10_000 })
  faults.onFault(new Error('away'), 'writes')
  faults.onFault(new Error('away'), 'reads')
  faults.onSuccess('writes')
  faults.onFault(new Error('away'), 'writes')
  faults.onSuccess('reads')
  vi.advanceTimersByTime(60_000)
  expect(log.entries.filter(({ level }) => level === 'info')).toEqual([])
  faults.onSuccess('writes')
  expect(log.entries.filter(({ level }) => level === 'info')).toHaveLength(1)
})

test('a store that refuses writes is not back because it answers reads', async () => {
  const log = createKeptLog()
  let isFull = true
  const store = {
    findMessages: async () => [],
    insertMessages: async () => {
      if (isFull) throw new HistoryUnavailableError(new Error('x'), { reason: 'SQLite ./data: the disk is full' })
    },
    updateMessage: async () => {
      throw new TypeError('no fault of the store')
    },
  }
  const reported = reportFaults(store, createFaultLog(log, LINES))
  for (let round = 0; round < 3; round += 1) {
    await reported.insertMessages().catch(() => undefined)
    await reported.findMessages()
    await reported.updateMessage().catch(() => undefined)
  }
  isFull = false
  await reported.insertMessages()
  expect(log.entries.filter(({ level }) => level !== 'debug').map(({ level, fields }) => [level, fields])).toEqual([
    ['warn', { host: 'there', reason: 'SQLite ./data: the disk is full' }],
    ['info', { host: 'there', faults: 3 }],
  ])
})

test('an error in the log has its causes, and neither quoted text nor passwords', () => {
  const parse = (() => {
    try {
      return JSON.parse('{"content": My secret}') as never
    } catch (error) {
      return error
    }
  })()
  const error = new Error('at mongodb://ann:pass@word@host/db', { cause: new Error('inner', { cause: parse }) })
  const logged = logError(error)
  expect(logged).toMatchObject({
    message: 'at mongodb://host/db',
    stack: expect.stringMatching(/^\s+at /),
    cause: { message: 'inner', cause: { type: 'SyntaxError', message: 'The text could not be parsed.' } },
  })
  expect(JSON.stringify(logged)).not.toMatch(/secret|pass|ann/)
  expect(logError('mongodb://u:p@h')).toBe('mongodb://h')
  expect(logError('at redis://h:1/2?password=p and http://h/v1?key=p, twice')).toBe(
    'at redis://h:1/2 and http://h/v1 twice',
  )
})

test.each([
  ['mongodb://ann:secret@a:1,b:2/db?tls=true', 'mongodb://a:1,b:2/db'],
  ['mongodb+srv://ann:sec/ret@a.example/db', 'mongodb+srv://a.example/db'],
  ['mongodb://ann:my secret@a/db', 'mongodb://a/db'],
  ['mongodb://ann:s?ecret@a/db', 'mongodb://a/db'],
  ['mongodb://ann:s#ecret@a/db', 'mongodb://a/db'],
  ['mongodb://ann:sec//ret@@a/db', 'mongodb://a/db'],
  ['redis://:secret@h:1/2', 'redis://h:1/2'],
  ['redis://h:1/2?password=secret', 'redis://h:1/2'],
  ['http://h/v1#secret', 'http://h/v1'],
  ['ann:secret@a', 'a'],
])('%s is shown as %s', (url, shown) => {
  expect(urlWithoutAccess(url)).toBe(shown)
})
