import { expect, test } from 'vitest'
import { HistoryUnavailableError, RateLimitedError } from '../../src/errors.ts'
import { createErrorMask } from '../../src/transport/error-mask.ts'
import { createKeptLog } from '../support/kept-log.ts'

test('a history that is away has a line of its own, and none for each request that it fails', () => {
  const log = createKeptLog()
  const mask = createErrorMask(log)
  const away = new HistoryUnavailableError(new Error('x'), { reason: 'MongoDB a:1: ECONNREFUSED' })
  for (let count = 0; count < 25; count += 1) expect(mask(away).extensions.code).toBe('HISTORY_UNAVAILABLE')
  expect(log.entries.filter(({ level }) => level !== 'debug')).toEqual([])
})

test('who is to come back later is told when', () => {
  const { extensions } = createErrorMask(createKeptLog())(new RateLimitedError('Too much waits.', 2_300))
  const http = { status: 503, headers: { 'Retry-After': '3' } }
  expect(extensions).toEqual({ code: 'RATE_LIMITED', retryAfterMs: 2_300, http })
})

test('an error that is no answer of the store is logged where it ends', () => {
  const log = createKeptLog()
  createErrorMask(log)(new HistoryUnavailableError(new Error('A path has a gap')))
  createErrorMask(log)(new TypeError('a mistake'))
  expect(log.entries.map(({ level, message }) => [level, message])).toEqual([
    ['warn', 'history unavailable'],
    ['error', 'unexpected error'],
  ])
})
