import fc from 'fast-check'
import { expect, test } from 'vitest'
import { REPLY_BEGINNING } from '../../../src/chat/follow/reply-event.ts'
import { streamReply } from '../../../src/chat/follow/reply-stream.ts'
import { createReplyText } from '../../../src/chat/follow/reply-text.ts'
import { createReplyView, type ReplyStart } from '../../../src/chat/follow/reply-view.ts'
import { createLocalReplyLog } from '../../../src/chat/log/local-reply-log.ts'
import { createReplyContent } from '../../../src/chat/run/reply-content.ts'

const DELTAS = 2_000
const DELTA = ' 한글'
const LONG = 'word '.repeat(200_000)
/** Copying a megabyte for each delta makes it a hundred times and more. */
const MOST_TIMES = 10
/** The machine may be busy with something else during one of the measurements, but hardly all. */
const TRIES = 3

test('a text placed in pieces, some of them twice, is the same from every place', () => {
  const pieces = fc.array(fc.tuple(fc.string({ maxLength: 4 }), fc.nat({ max: 6 })), { maxLength: 1_500, size: 'max' })
  fc.assert(
    fc.property(pieces, fc.nat(), (pieces, somewhere) => {
      const text = createReplyText()
      let whole = ''
      for (const [piece, overlap] of pieces) {
        const offset = Math.max(0, whole.length - overlap)
        whole += piece
        expect(text.place(offset, whole.slice(offset))).toBe(piece !== '')
      }
      expect(text.place(whole.length + 1, 'beyond a gap')).toBe(false)
      expect(text.length).toBe(whole.length)
      const offset = somewhere % (whole.length + 1)
      expect(text.from(offset)).toBe(whole.slice(offset))
      expect(text.from(0)).toBe(whole)
    }),
    { numRuns: 50 },
  )
})

test('a delta of a long reply costs what one of a short reply costs', async () => {
  let times = Number.POSITIVE_INFINITY
  for (let count = 0; count < TRIES && times >= MOST_TIMES; count += 1) {
    const short = await measureDeltas('')
    const long = await measureDeltas(LONG)
    times = Math.min(times, long / short)
    process.stdout.write(
      `a delta took ${(short * 1_000).toFixed(1)} µs behind no text and ${(long * 1_000).toFixed(1)} µs behind ${LONG.length} characters\n`,
    )
  }
  expect(times).toBeLessThan(MOST_TIMES)
})

test('a thousand subscribers do not hold the event loop in one piece', async () => {
  const view = createReplyView('reply')
  let notified = 0
  for (let count = 0; count < 1_000; count += 1) view.onChange(() => (notified += 1))
  const unsubscribe = view.onChange(() => (notified += 1_000_000))
  view.placeText(0, 'word')
  expect(notified).toBeLessThan(100)
  unsubscribe()
  await expect.poll(() => notified).toBe(1_000)
})

/** Milliseconds for each delta, from the model to a subscriber, behind a text. */
async function measureDeltas(before: string): Promise<number> {
  const view = createReplyView('reply')
  const log = createLocalReplyLog()
  const content = createReplyContent({ replyId: 'reply', view, log, mayPublish: () => true })
  // What the model was given is nothing to the cost.
  view.begin({} as ReplyStart)
  content.onText(before)
  const place = { ...REPLY_BEGINNING, isStarted: true, offset: before.length }
  const events = streamReply(view, place, { heartbeatMs: 60_000 }, new AbortController().signal, () => {})
  const begunAt = performance.now()
  for (let count = 0; count < DELTAS; count += 1) {
    content.onText(DELTA)
    await events.next()
  }
  const elapsedMs = performance.now() - begunAt
  expect(view.text.from(before.length)).toBe(DELTA.repeat(DELTAS))
  return elapsedMs / DELTAS
}
