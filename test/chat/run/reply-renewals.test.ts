import { expect, test, vi } from 'vitest'
import { createReplyRenewals } from '../../../src/chat/run/reply-renewals.ts'
import { HistoryUnavailableError } from '../../../src/errors.ts'
import type { ReplyRecords } from '../../../src/memory/history/reply-record.ts'

type Records = Pick<ReplyRecords, 'change' | 'renew'>

const IDS = Array.from({ length: 120 }, (_, index) => `rep_${index}`)
const CHANGES = { text: 'so far', bumpBeat: true } as const

test('the renewals of many replies are few writes', async () => {
  const change = vi.fn<Records['change']>()
  const renew = vi.fn<Records['renew']>(async () => true)
  const renewReply = createReplyRenewals({ change, renew })
  expect(await Promise.all(IDS.map((id) => renewReply({ id, beat: 3, changes: CHANGES })))).toEqual(IDS.map(() => true))
  expect(renew.mock.calls.map(([renewals]) => renewals.length)).toEqual([50, 50, 20])
  expect(renew.mock.calls.flatMap(([renewals]) => renewals)).toEqual(
    IDS.map((id) => ({ id, beat: 3, changes: CHANGES })),
  )
  expect(change).not.toHaveBeenCalled()
})

test('where one of them is refused, or fails, that one alone is told', async () => {
  const away = new HistoryUnavailableError(new Error('away'))
  const change = vi.fn<Records['change']>(async (id) => {
    if (id === 'rep_2') throw away
    return id !== 'rep_1'
  })
  const renewReply = createReplyRenewals({ change, renew: async () => false })
  const results = await Promise.allSettled(IDS.slice(0, 4).map((id) => renewReply({ id, beat: 3, changes: CHANGES })))
  expect(results.map((each) => (each.status === 'fulfilled' ? each.value : each.reason))).toEqual([
    true,
    false,
    away,
    true,
  ])
  expect(change).toHaveBeenCalledWith('rep_1', { phase: 'RUN', beat: 3 }, CHANGES)
})

test('a text that the store cannot hold is no fault of the others', async () => {
  const tooLong = new RangeError('The document is too large')
  const change = vi.fn<Records['change']>(async (id) => {
    if (id === 'rep_0') throw tooLong
    return true
  })
  const renewReply = createReplyRenewals({ change, renew: async () => Promise.reject(tooLong) })
  const [results, other] = await Promise.allSettled(
    IDS.slice(0, 2).map((id) => renewReply({ id, beat: 3, changes: CHANGES })),
  )
  expect(results).toEqual({ status: 'rejected', reason: tooLong })
  expect(other).toEqual({ status: 'fulfilled', value: true })
})

test('a store that is away is asked once for all of them', async () => {
  const away = new HistoryUnavailableError(new Error('away'))
  const change = vi.fn<Records['change']>()
  const renewReply = createReplyRenewals({ change, renew: async () => Promise.reject(away) })
  const results = await Promise.allSettled(IDS.slice(0, 9).map((id) => renewReply({ id, beat: 3, changes: CHANGES })))
  expect(results).toEqual(Array.from({ length: 9 }, () => ({ status: 'rejected', reason: away })))
  expect(change).not.toHaveBeenCalled()
})
