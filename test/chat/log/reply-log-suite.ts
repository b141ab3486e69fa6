import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ReplyLog } from '../../../src/chat/log/reply-log.ts'
import { createConversationId, createReplyId } from '../../../src/memory/ids.ts'
import { followReply, type ReplyReader, writeReply } from '../../support/reply-reader.ts'
import { mixedTexts } from '../../support/texts.ts'

export const WAIT = { timeout: 60_000, interval: 5 }

/** What every reply log promises, seen from two nodes; in one process both are the same. */
export function describeReplyLog(
  name: string,
  startNodes: () => Promise<{ owner: ReplyLog; other: ReplyLog; stop(): Promise<void> }>,
): void {
  describe(name, () => {
    let nodes: Awaited<ReturnType<typeof startNodes>>
    let id: string
    beforeAll(async () => {
      nodes = await startNodes()
    })
    afterAll(async () => {
      await nodes.stop()
    })
    beforeEach(() => {
      id = createReplyId(createConversationId())
    })

    /** A follower that is known to listen. */
    async function listen(log: ReplyLog, replyId = id, known = ''): Promise<ReplyReader> {
      const reader = followReply(log, replyId, known)
      await expect.poll(() => reader.notified, WAIT).toBe(1)
      return reader
    }

    /** One who follows another reply afterwards gets that one's text, so this one's would have come by then. */
    async function expectNoText(replyId: string): Promise<void> {
      const other = createReplyId(createConversationId())
      const early = await listen(nodes.other, other)
      writeReply(nodes.owner, other, ['Bye'])
      await expect.poll(() => early.text, WAIT).toBe('Bye')
      nodes.owner.end(other)
      const [reader, late] = [await listen(nodes.other, replyId), followReply(nodes.other, other)]
      await expect.poll(() => late.text, WAIT).toBe('Bye')
      expect(reader.text).toBe('')
    }

    test('a reader gets what is written, in order and once, on every node', async () => {
      const readers = [await listen(nodes.owner), await listen(nodes.other), await listen(nodes.other)]
      writeReply(nodes.owner, id, ['Hello', ', ', 'world', ' 👩‍👩‍👧', '!'])
      for (const reader of readers) await expect.poll(() => reader.text, WAIT).toBe('Hello, world 👩‍👩‍👧!')
      expect(readers.map(({ gaps, repeated }) => gaps + repeated)).toEqual([0, 0, 0])
    })

    test('a reader that comes later gets the text from its beginning', async () => {
      const early = await listen(nodes.other)
      const end = writeReply(nodes.owner, id, ['Hello', ', ', 'world'])
      await expect.poll(() => early.text, WAIT).toBe('Hello, world')
      const late = await listen(nodes.other)
      await expect.poll(() => late.text, WAIT).toBe('Hello, world')
      writeReply(nodes.owner, id, ['!'], end)
      await expect.poll(() => late.text, WAIT).toBe('Hello, world!')
    })

    test('a reader that has the beginning gets only the rest', async () => {
      const early = await listen(nodes.other)
      writeReply(nodes.owner, id, ['Hello', ', ', 'world'])
      await expect.poll(() => early.text, WAIT).toBe('Hello, world')
      const received: [number, string][] = []
      nodes.other.follow(id, { onText: (offset, text) => received.push([offset, text]), onNotify: () => undefined }, 3)
      await expect.poll(() => received.map(([, text]) => text).join(''), WAIT).toBe('lo, world')
      expect(received[0]?.[0]).toBe(3)
    })

    test('a reader that has more than was written gets what comes beyond', async () => {
      const reader = await listen(nodes.other, id, 'Hello, wo')
      writeReply(nodes.owner, id, ['Hello', ', ', 'world'])
      await expect.poll(() => reader.text, WAIT).toBe('Hello, world')
      expect(reader).toMatchObject({ gaps: 0, repeated: 0 })
    })

    test('no handler is called before follow has returned', () => {
      const reader = followReply(nodes.owner, id)
      expect(reader.notified).toBe(0)
    })

    test('a notification reaches every reader and the owner, who gets no text', async () => {
      const owner = vi.fn()
      nodes.owner.follow(id, { onNotify: owner })
      await expect.poll(() => owner.mock.calls.length, WAIT).toBe(1)
      const readers = [await listen(nodes.owner), await listen(nodes.other)]
      writeReply(nodes.owner, id, ['Hello'])
      for (const reader of readers) await expect.poll(() => reader.text, WAIT).toBe('Hello')
      expect(owner).toHaveBeenCalledTimes(1)
      nodes.other.notify(id)
      for (const reader of readers) await expect.poll(() => reader.notified, WAIT).toBe(2)
      await expect.poll(() => owner.mock.calls.length, WAIT).toBe(2)
    })

    test('an end notifies every reader behind the text', async () => {
      const readers = [await listen(nodes.owner), await listen(nodes.other)]
      const texts: string[] = []
      for (const reader of readers) nodes.other.follow(id, { onNotify: () => texts.push(reader.text) })
      await expect.poll(() => texts.length, WAIT).toBe(2)
      writeReply(nodes.owner, id, ['Hello', ', ', 'world'])
      nodes.owner.end(id)
      for (const reader of readers) await expect.poll(() => reader.notified, WAIT).toBe(2)
      expect(readers.map(({ text }) => text)).toEqual(['Hello, world', 'Hello, world'])
    })

    test('whoever follows a reply that has ended is notified, to read its record', async () => {
      writeReply(nodes.owner, id, ['Hello'])
      nodes.owner.end(id)
      const unknown = createReplyId(createConversationId())
      const readers = [id, unknown].map((replyId) => followReply(nodes.other, replyId))
      for (const reader of readers) await expect.poll(() => reader.notified, WAIT).toBeGreaterThanOrEqual(1)
    })

    test('of a reply that was erased nobody gets a text any more', async () => {
      writeReply(nodes.owner, id, ['Hello'])
      const before = await listen(nodes.other)
      await expect.poll(() => before.text, WAIT).toBe('Hello')
      nodes.owner.end(id)
      await expect.poll(() => before.notified, WAIT).toBe(2)
      expect(await nodes.other.erase(id)).toBe(true)
      await expectNoText(id)
    })

    test('of a reply that ends with its conversation nobody gets a text any more', async () => {
      writeReply(nodes.owner, id, ['Hello'])
      const before = await listen(nodes.other)
      await expect.poll(() => before.text, WAIT).toBe('Hello')
      nodes.owner.write(id, 5, ', not yet sent')
      nodes.owner.end(id, true)
      await expect.poll(() => before.notified, WAIT).toBe(2)
      await expectNoText(id)
    })

    test('writes that are not in order, or come after the end, are ignored', async () => {
      const reader = await listen(nodes.other)
      nodes.owner.write(id, 3, 'not the beginning')
      nodes.owner.write(id, 0, 'Hello')
      nodes.owner.write(id, 0, 'Again')
      nodes.owner.write(id, 6, 'gap')
      nodes.owner.write(id, 5, '')
      nodes.owner.write(id, 5, '!')
      nodes.owner.end(id)
      nodes.owner.write(id, 6, 'late')
      await expect.poll(() => reader.notified, WAIT).toBe(2)
      expect(reader).toMatchObject({ text: 'Hello!', gaps: 0 })
    })

    test('a reader gets nothing of other replies, nor after it stopped', async () => {
      const conversationId = createConversationId()
      const [mine, sibling] = [createReplyId(conversationId), createReplyId(conversationId)]
      const reader = await listen(nodes.other, mine)
      const stopped = await listen(nodes.other, sibling)
      const following = await listen(nodes.other, sibling)
      stopped.stop()
      stopped.stop()
      writeReply(nodes.owner, sibling, ['Hello'])
      nodes.owner.end(sibling)
      await expect.poll(() => following.notified, WAIT).toBe(2)
      expect(following.text).toBe('Hello')
      expect(stopped).toMatchObject({ text: '', notified: 1 })
      expect(reader).toMatchObject({ text: '', notified: 1 })
    })

    test('whoever follows from any moment has the written text in the end, unit by unit', async () => {
      const cuts = fc.array(fc.record({ length: fc.nat(30), follows: fc.boolean(), turns: fc.nat(3) }), {
        maxLength: 40,
      })
      await fc.assert(
        fc.asyncProperty(mixedTexts(60), cuts, async (text, steps) => {
          const replyId = createReplyId(createConversationId())
          const readers = [await listen(nodes.other, replyId)]
          let offset = 0
          for (const { length, follows, turns } of [...steps, { length: text.length, follows: true, turns: 0 }]) {
            const piece = text.slice(offset, offset + length)
            offset = writeReply(nodes.owner, replyId, [piece], offset)
            if (follows) readers.push(followReply(nodes.other, replyId, text.slice(0, Math.floor(offset / 3))))
            for (let turn = 0; turn < turns; turn += 1) await setImmediate()
          }
          await expect.poll(() => readers.every((reader) => reader.text === text), WAIT).toBe(true)
          expect(readers.map(({ gaps, repeated }) => gaps + repeated)).toEqual(readers.map(() => 0))
          for (const reader of readers) reader.stop()
          nodes.owner.end(replyId)
        }),
        { numRuns: 60 },
      )
    })
  })
}
