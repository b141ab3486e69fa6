import { describe, expect, it } from 'vitest'
import type { ReplyRecord } from '../../../src/memory/history/reply-record.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import type { RecordsUnderTest } from './reply-records-suite.ts'
import { endedReply, queuedReply, sampleReply } from './reply-samples.ts'

/** Protocol B1 and B7: what an insert, a promotion and a withdrawal decide. */
export function describeReplyClaims(subject: RecordsUnderTest): void {
  const insert = (record: ReplyRecord) => subject.records.insert(record)
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

  describe('the claim of a conversation', () => {
    it('is won by exactly one of twenty inserts at once', async () => {
      const id = createConversationId()
      const candidates = numbers(20).map(() => sampleReply(id))
      const won = await Promise.all(candidates.map(insert))
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(await subject.records.findActive('ann', id)).toStrictEqual(candidates[won.indexOf(true)])
      const found = await Promise.all(candidates.map((candidate) => subject.records.find('ann', candidate.id)))
      expect(found.filter(Boolean)).toHaveLength(1)
    })

    it.each(['RUN', 'STOP', 'SEALED'] as const)('is refused while another reply is in %s', async (phase) => {
      const id = createConversationId()
      expect(await insert(sampleReply(id, { phase }))).toBe(true)
      expect(await insert(sampleReply(id))).toBe(false)
      expect(await insert(sampleReply(createConversationId()))).toBe(true)
    })

    it('is free again after the end, any number of times', async () => {
      const id = createConversationId()
      for (const _ of numbers(3)) {
        const reply = sampleReply(id, { phase: 'SEALED' })
        expect(await insert(reply)).toBe(true)
        await subject.records.change(reply.id, { phase: 'SEALED' }, { phase: 'ENDED', active: false })
        expect(await subject.records.findActive('ann', id)).toBeUndefined()
      }
    })

    it('of one question is made once for ever, also where the first has ended or waits', async () => {
      const clientMessageId = 'the question'
      for (const make of [sampleReply, endedReply, (id: string, given: object) => queuedReply(id, 1, given)]) {
        const id = createConversationId()
        expect(await insert(make(id, { clientMessageId }))).toBe(true)
        const again = [sampleReply, endedReply].map((other) => other(id, { clientMessageId }))
        expect(await Promise.all([...again, queuedReply(id, 9, { clientMessageId })].map(insert))).toEqual([
          false,
          false,
          false,
        ])
        expect(await insert(endedReply(createConversationId(), { clientMessageId }))).toBe(true)
      }
    })

    it('of one question is won by one of twenty, also where none of them is active', async () => {
      const id = createConversationId()
      const candidates = numbers(20).map((place) => queuedReply(id, place + 1, { clientMessageId: 'same' }))
      expect((await Promise.all(candidates.map(insert))).filter(Boolean)).toHaveLength(1)
    })

    it('can be withdrawn while it never ran, as if it had not been', async () => {
      const id = createConversationId()
      const reply = sampleReply(id, { clientMessageId: 'again' })
      await insert(reply)
      await subject.records.withdraw(reply.id)
      await subject.records.withdraw(reply.id)
      expect(await subject.records.find('ann', reply.id)).toBeUndefined()
      expect(await insert(sampleReply(id, { clientMessageId: 'again' }))).toBe(true)
    })

    it('can be withdrawn though another has told it to stop', async () => {
      const reply = sampleReply(createConversationId())
      await insert(reply)
      await subject.records.change(reply.id, { phase: 'RUN' }, { phase: 'STOP', stop: 'SUPERSEDED' })
      await subject.records.withdraw(reply.id)
      expect(await subject.records.find('ann', reply.id)).toBeUndefined()
    })

    it('cannot be withdrawn once it ran, waits or has ended', async () => {
      const id = createConversationId()
      const ran = sampleReply(id, { beat: 1 })
      const others = [
        queuedReply(id, 1),
        endedReply(id),
        sampleReply(createConversationId(), { phase: 'STOP', beat: 1 }),
      ]
      for (const reply of [ran, ...others]) {
        await insert(reply)
        await subject.records.withdraw(reply.id)
        expect(await subject.records.find('ann', reply.id)).toStrictEqual(reply)
      }
    })
  })

  describe('the queue of a conversation', () => {
    it('gives each place once, beside the active reply', async () => {
      const id = createConversationId()
      expect(await insert(sampleReply(id))).toBe(true)
      const won = await Promise.all(numbers(20).map((index) => insert(queuedReply(id, 1 + (index % 4)))))
      expect(won.filter(Boolean)).toHaveLength(4)
      expect(await insert(queuedReply(createConversationId(), 1))).toBe(true)
    })

    it('is read from its lowest place, at most so many', async () => {
      const id = createConversationId()
      const [third, first, second] = [queuedReply(id, 30), queuedReply(id, 2), queuedReply(id, 11)]
      for (const reply of [third, first, second, sampleReply(id), endedReply(id)]) await insert(reply)
      expect(await subject.records.findQueued('ann', id, 16)).toStrictEqual([first, second, third])
      expect(await subject.records.findQueued('ann', id, 2)).toStrictEqual([first, second])
      expect(await subject.records.findQueued('ann', id, 0)).toStrictEqual([])
      expect(await subject.records.findQueued('ann', createConversationId(), 16)).toStrictEqual([])
    })

    it('lets nobody run beside another, and frees the place of whom it lets run', async () => {
      const id = createConversationId()
      const [running, waiting] = [sampleReply(id), queuedReply(id, 1)]
      await insert(running)
      await insert(waiting)
      const promote = () =>
        subject.records.change(waiting.id, { phase: 'QUEUED' }, { phase: 'RUN', active: true, place: null })
      expect(await promote()).toBe(false)
      expect(await subject.records.find('ann', waiting.id)).toStrictEqual(waiting)
      await subject.records.change(running.id, { phase: 'RUN' }, { phase: 'ENDED', active: false })
      expect(await promote()).toBe(true)
      const { place: _, ...promoted } = { ...waiting, phase: 'RUN' as const, active: true }
      expect(await subject.records.findActive('ann', id)).toStrictEqual(promoted)
      expect(await subject.records.findQueued('ann', id, 16)).toStrictEqual([])
      expect(await insert(queuedReply(id, 1))).toBe(true)
    })

    it('lets exactly one of many run that promote themselves at once', async () => {
      const id = createConversationId()
      const waiting = numbers(10).map((index) => queuedReply(id, index + 1))
      await Promise.all(waiting.map(insert))
      const changes = { phase: 'RUN', active: true, place: null } as const
      const won = await Promise.all(
        waiting.map((each) => subject.records.change(each.id, { phase: 'QUEUED' }, changes)),
      )
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(await subject.records.findQueued('ann', id, 16)).toHaveLength(9)
    })
  })
}
