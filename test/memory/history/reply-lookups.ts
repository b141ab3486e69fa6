import { describe, expect, it } from 'vitest'
import type { ReplyRecord } from '../../../src/memory/history/reply-record.ts'
import { createConversationId, createReplyId } from '../../../src/memory/ids.ts'
import type { RecordsUnderTest } from './reply-records-suite.ts'
import { endedReply, queuedReply, sampleReply, TIME } from './reply-samples.ts'

export function describeReplyLookups(subject: RecordsUnderTest): void {
  const insertAll = async (...replies: ReplyRecord[]) => {
    for (const reply of replies) expect(await subject.records.insert(reply)).toBe(true)
  }

  describe('replies', () => {
    it('come back as they were stored, absent values absent', async () => {
      const id = createConversationId()
      const bare = sampleReply(id)
      const full = endedReply(id, {
        ownerId: 'Ünïcode 🎉',
        replaces: 'msg_r',
        stop: 'SHUTDOWN',
        beat: 12,
        text: 'said\n',
        parts: [{ type: 'reasoning', text: 'since' }],
        outcome: { type: 'INTERRUPTED', reason: 'SHUTDOWN' },
        usage: { promptTokens: 1, completionTokens: 2, estimated: false },
        questionId: 'msg_q',
        messageId: 'msg_m',
      })
      const queued = queuedReply(id, 4)
      await insertAll(bare, full, queued)
      for (const reply of [bare, full, queued]) {
        expect(await subject.records.find(reply.ownerId, reply.id)).toStrictEqual(reply)
        const same = await subject.records.findByClientMessageId(reply.ownerId, id, reply.clientMessageId)
        expect(same).toStrictEqual(reply)
      }
      expect(await subject.records.findActive('ann', id)).toStrictEqual(bare)
    })

    it('come back without a question where they answer a stored message, in every phase', async () => {
      const id = createConversationId()
      const { question: _, ...reply } = sampleReply(id, { replaces: 'msg_1' })
      await insertAll(reply)
      expect(await subject.records.find('ann', reply.id)).toStrictEqual(reply)
      expect(await subject.records.findActive('ann', id)).toStrictEqual(reply)
      const outcome = { type: 'COMPLETED', finishReason: 'STOP' } as const
      await subject.records.change(reply.id, { phase: 'RUN' }, { phase: 'SEALED', outcome, text: 'other words' })
      const sealed = { ...reply, phase: 'SEALED', outcome, text: 'other words' }
      expect(await subject.records.find('ann', reply.id)).toStrictEqual(sealed)
      await subject.records.redact(reply.id, { text: '' })
      expect(await subject.records.findNewest('ann', id)).toStrictEqual({ ...sealed, text: '' })
    })

    it('that are not there are absent', async () => {
      const [id, other] = [createConversationId(), createConversationId()]
      await insertAll(endedReply(id, { clientMessageId: 'x' }), sampleReply(other))
      expect(await subject.records.find('ann', createReplyId(id))).toBeUndefined()
      expect(await subject.records.find('ann', 'nonsense')).toBeUndefined()
      expect(await subject.records.findByClientMessageId('ann', other, 'x')).toBeUndefined()
      expect(await subject.records.findActive('ann', id)).toBeUndefined()
      expect(await subject.records.findNewest('ann', createConversationId())).toBeUndefined()
    })

    it('of many conversations are found at once, active or newest, in the order asked', async () => {
      const [busy, quiet, empty, foreign] = Array.from({ length: 4 }, () => createConversationId())
      const conversations = [quiet, busy, empty, foreign, busy].flatMap((each) => each ?? [])
      const [active, ended] = [sampleReply(busy ?? ''), endedReply(quiet ?? '')]
      const [older, theirs] = [endedReply(busy ?? ''), sampleReply(foreign ?? '', { ownerId: 'bob' })]
      await insertAll({ ...older, id: `rep_${busy?.slice(5)}_00000000000000000000000000` }, active, ended, theirs)
      const found = await subject.records.findActiveMany('ann', conversations)
      expect(found).toStrictEqual([undefined, active, undefined, undefined, active])
      const newest = await subject.records.findNewestMany('ann', conversations)
      expect(newest).toStrictEqual([ended, active, undefined, undefined, active])
      expect(await subject.records.findActiveMany('ann', [])).toStrictEqual([])
    })

    it("of others are absent, and stand in nobody's way", async () => {
      const id = createConversationId()
      const theirs = sampleReply(id, { ownerId: 'bob', clientMessageId: 'x' })
      const waiting = queuedReply(id, 1, { ownerId: 'bob' })
      await insertAll(theirs, waiting)
      expect(await subject.records.find('ann', theirs.id)).toBeUndefined()
      expect(await subject.records.findByClientMessageId('ann', id, 'x')).toBeUndefined()
      expect(await subject.records.findActive('ann', id)).toBeUndefined()
      expect(await subject.records.findNewest('ann', id)).toBeUndefined()
      expect(await subject.records.findQueued('ann', id, 10)).toStrictEqual([])
      const own = [sampleReply(id, { clientMessageId: 'x' }), queuedReply(id, 1)] as const
      await insertAll(...own)
      expect(await subject.records.findActive('ann', id)).toStrictEqual(own[0])
      expect(await subject.records.findActive('bob', id)).toStrictEqual(theirs)
      expect(await subject.records.findQueued('ann', id, 10)).toStrictEqual([own[1]])
    })

    it('that wait are found when their lease is over, the oldest first, and withdrawn at the beat that was seen', async () => {
      const longAgo = Date.UTC(2002, 0, 1)
      const [first, second] = [1, 2].map((age) =>
        queuedReply(createConversationId(), age, { leaseUntil: longAgo + age }),
      )
      if (first === undefined || second === undefined) throw new Error('Two were made')
      await insertAll(second, first, sampleReply(createConversationId(), { leaseUntil: longAgo }))
      expect(await subject.records.findQueuedLeaseOver(longAgo + 3, 10)).toStrictEqual([first, second])
      expect(await subject.records.findQueuedLeaseOver(longAgo + 2, 10)).toStrictEqual([first])
      expect(await subject.records.findQueuedLeaseOver(longAgo + 3, 1)).toStrictEqual([first])
      expect(await subject.records.withdrawQueued(first.id, 1)).toBe(false)
      expect(await subject.records.withdrawQueued(first.id, 0)).toBe(true)
      expect(await subject.records.withdrawQueued(first.id, 0)).toBe(false)
      expect(await subject.records.findQueuedLeaseOver(longAgo + 3, 10)).toStrictEqual([second])
      expect(await subject.records.insert({ ...first, place: 3, leaseUntil: TIME })).toBe(true)
    })

    it('are found by the time that their ids tell: the newest, whatever became of it', async () => {
      const id = createConversationId()
      const [old, newest] = [
        { ...endedReply(id), id: `rep_${id.slice(5)}_00000000000000000000000000` },
        { ...endedReply(id), id: `rep_${id.slice(5)}_7zzzzzzzzzzzzzzzzzzzzzzzzz` },
      ]
      await insertAll(newest, endedReply(id), sampleReply(id), old)
      expect(await subject.records.findNewest('ann', id)).toStrictEqual(newest)
      const neighbours = [`${id.slice(0, -1)}0`, `${id.slice(0, -1)}1`].filter((each) => each !== id)
      for (const neighbour of neighbours) expect(await subject.records.findNewest('ann', neighbour)).toBeUndefined()
    })

    it('whose lease is over are found where they are active, the oldest lease first', async () => {
      const lease = (leaseUntil: number) => ({ leaseUntil })
      const longAgo = Date.UTC(2001, 0, 1)
      const sealed = sampleReply(createConversationId(), { phase: 'SEALED', ...lease(longAgo + 3) })
      const stopping = sampleReply(createConversationId(), { phase: 'STOP', ...lease(longAgo + 1) })
      const running = sampleReply(createConversationId(), lease(longAgo + 2))
      const waiting = queuedReply(createConversationId(), 1, lease(longAgo))
      await insertAll(sealed, stopping, running, waiting, endedReply(createConversationId(), lease(longAgo)))
      expect(await subject.records.findLeaseOver(longAgo + 4, 10)).toStrictEqual([stopping, running, sealed])
      expect(await subject.records.findLeaseOver(longAgo + 3, 10)).toStrictEqual([stopping, running])
      expect(await subject.records.findLeaseOver(longAgo + 4, 1)).toStrictEqual([stopping])
      expect(await subject.records.findLeaseOver(longAgo + 4, 0)).toStrictEqual([])
      await subject.records.change(running.id, { phase: 'RUN' }, { leaseUntil: TIME, bumpBeat: true })
      await subject.records.change(sealed.id, { phase: 'SEALED' }, { phase: 'ENDED', active: false })
      expect(await subject.records.findLeaseOver(longAgo + 4, 10)).toStrictEqual([stopping])
    })

    it('of a conversation are removed in bounded steps, whatever their phase, and no others', async () => {
      const [id, other] = [createConversationId(), createConversationId()]
      const ended = Array.from({ length: 120 }, () => endedReply(id))
      await Promise.all(ended.map((reply) => subject.records.insert(reply)))
      const kept = sampleReply(other)
      await insertAll(sampleReply(id), queuedReply(id, 1), kept)
      const removed: number[] = []
      do removed.push(await subject.records.remove(id, await subject.records.findIds(id, 100)))
      while (removed.at(-1) !== 0)
      expect(removed).toStrictEqual([100, 22, 0])
      expect(await subject.records.findIds(other, 0)).toStrictEqual([])
      expect(await subject.records.remove(other, [sampleReply(id).id, ended[0]?.id ?? ''])).toBe(0)
      expect(await subject.records.findNewest('ann', id)).toBeUndefined()
      expect(await subject.records.find('ann', kept.id)).toStrictEqual(kept)
      expect(await subject.records.insert(sampleReply(id))).toBe(true)
    })
  })
}
