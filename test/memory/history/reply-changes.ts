import { describe, expect, it } from 'vitest'
import type { ReplyChanges, ReplyOutcome, ReplyRecord } from '../../../src/memory/history/reply-record.ts'
import { createConversationId, createReplyId } from '../../../src/memory/ids.ts'
import type { MessagePart } from '../../../src/memory/message.ts'
import type { RecordsUnderTest } from './reply-records-suite.ts'
import { endedReply, queuedReply, sampleReply, TIME } from './reply-samples.ts'

const LOST = { type: 'INTERRUPTED', reason: 'NODE_LOST' } as const

/** Protocol B3 to B6: conditional writes, and who wins where several meet. */
export function describeReplyChanges(subject: RecordsUnderTest): void {
  const insert = async (given: Partial<ReplyRecord> = {}) => {
    const reply = sampleReply(createConversationId(), given)
    expect(await subject.records.insert(reply)).toBe(true)
    return reply
  }
  const renew = (id: string, leaseUntil: number) =>
    subject.records.change(id, { phase: 'RUN' }, { text: 'a checkpoint', leaseUntil, bumpBeat: true })
  const takeOver = ({ id, beat }: ReplyRecord) =>
    subject.records.change(id, { phase: 'RUN', beat }, { phase: 'SEALED', outcome: LOST })

  describe('a conditional write', () => {
    it('changes what it names and nothing else, and counts a beat where it is asked to', async () => {
      const reply = await insert({ beat: 3 })
      expect(await renew(reply.id, TIME + 20_000)).toBe(true)
      const renewed = { ...reply, text: 'a checkpoint', leaseUntil: TIME + 20_000, beat: 4 }
      expect(await subject.records.find('ann', reply.id)).toStrictEqual(renewed)
      expect(await subject.records.change(reply.id, { phase: 'RUN' }, { phase: 'STOP', stop: 'CANCELLED' })).toBe(true)
      const stopped = { ...renewed, phase: 'STOP', stop: 'CANCELLED' }
      expect(await subject.records.find('ann', reply.id)).toStrictEqual(stopped)
    })

    it('changes nothing from another phase, at another beat, or of what is not there', async () => {
      const reply = await insert({ beat: 2 })
      const changes = { phase: 'SEALED', outcome: LOST } as const
      for (const phase of ['QUEUED', 'STOP', 'SEALED', 'ENDED'] as const) {
        expect(await subject.records.change(reply.id, { phase }, changes)).toBe(false)
      }
      for (const beat of [0, 1, 3]) {
        expect(await subject.records.change(reply.id, { phase: 'RUN', beat }, changes)).toBe(false)
      }
      const missing = createReplyId(reply.conversationId)
      expect(await subject.records.change(missing, { phase: 'RUN' }, changes)).toBe(false)
      expect(await subject.records.find('ann', reply.id)).toStrictEqual(reply)
    })

    it('is told from one that was refused also where it sets what is there', async () => {
      const reply = await insert()
      const { text, leaseUntil, model } = reply
      expect(await subject.records.change(reply.id, { phase: 'RUN' }, { text, leaseUntil, model })).toBe(true)
      expect(await subject.records.find('ann', reply.id)).toMatchObject({ text, leaseUntil, model, beat: 1 })
    })

    it('keeps everything that a seal and an end set, byte for byte', async () => {
      const reply = await insert()
      const text = `${'long '.repeat(400_000)}\u0000 half \ud83d of a pair, "quoted"\n`
      const data = JSON.parse('{"$set": {"a.b": null}, "__proto__": [], "": "\\udc00"}')
      const parts: MessagePart[] = [
        { type: 'toolCall', toolCallId: 't', toolName: 'n', arguments: '{"a":1}' },
        { type: 'data', name: 'd', data, providerMetadata: data },
      ]
      const usage = { promptTokens: 3, completionTokens: 4, cachedPromptTokens: 1, estimated: true }
      const outcome: ReplyOutcome = { type: 'FAILED', code: 'INTERNAL', detail: 'half \ud83d', retryable: false }
      const sealed: ReplyChanges = { phase: 'SEALED', outcome, text, parts, usage, model: 'other', questionId: 'msg_1' }
      expect(await subject.records.change(reply.id, { phase: 'RUN' }, sealed)).toBe(true)
      const ended: ReplyChanges = { phase: 'ENDED', active: false, endedAt: TIME + 5, messageId: 'msg_2' }
      expect(await subject.records.change(reply.id, { phase: 'SEALED' }, ended)).toBe(true)
      const found = await subject.records.find('ann', reply.id)
      expect(found).toStrictEqual({ ...reply, ...sealed, ...ended })
      expect(JSON.stringify(found?.parts)).toBe(JSON.stringify(parts))
    })

    it('takes question, text and parts away at the end, and leaves the digest of the question', async () => {
      const reply = await insert({ questionDigest: 'd1', text: 'said', parts: [{ type: 'reasoning', text: 'hm' }] })
      const { question: _, ...rest } = reply
      const ended = { phase: 'ENDED', active: false, questionId: 'msg_q', messageId: 'msg_m', endedAt: TIME } as const
      const nothing = { question: null, text: null, parts: null }
      expect(await subject.records.change(reply.id, { phase: 'RUN' }, { ...ended, ...nothing })).toBe(true)
      expect(await subject.records.find('ann', reply.id)).toStrictEqual({ ...rest, ...ended, text: '', parts: [] })
    })

    it('is refused at another beat in a renewal of many, too', async () => {
      const reply = await insert({ beat: 2 })
      const renewal = { id: reply.id, changes: { text: 'late', bumpBeat: true as const } }
      expect(await subject.records.renew([{ ...renewal, beat: 1 }])).toBe(false)
      expect(await subject.records.find('ann', reply.id)).toStrictEqual(reply)
      expect(await subject.records.renew([{ ...renewal, beat: 2 }])).toBe(true)
      expect(await subject.records.find('ann', reply.id)).toMatchObject({ text: 'late', beat: 3 })
    })

    it('takes a place away, and the activity', async () => {
      const waiting = queuedReply(createConversationId(), 7)
      await subject.records.insert(waiting)
      const outcome = { type: 'REJECTED', code: 'CANCELLED', detail: 'It was cancelled.' } as const
      await subject.records.change(waiting.id, { phase: 'QUEUED' }, { phase: 'ENDED', outcome, place: null })
      expect(await subject.records.find('ann', waiting.id)).not.toHaveProperty('place')
      const reply = await insert()
      await subject.records.change(reply.id, { phase: 'RUN' }, { phase: 'ENDED', active: false })
      expect(await subject.records.find('ann', reply.id)).toMatchObject({ active: false })
    })
  })

  describe('a renewal of many', () => {
    const renewalOf = ({ id }: ReplyRecord, text: string) => ({
      id,
      changes: { text, leaseUntil: TIME + 20_000, bumpBeat: true as const },
    })

    it('saves the checkpoint of each, and says that all run', async () => {
      const replies = await Promise.all(Array.from({ length: 30 }, () => insert({ beat: 1 })))
      const renewals = replies.map((reply, index) => renewalOf(reply, `said by ${index}`))
      expect(await subject.records.renew(renewals)).toBe(true)
      for (const [index, reply] of replies.entries()) {
        const renewed = { ...reply, text: `said by ${index}`, leaseUntil: TIME + 20_000, beat: 2 }
        expect(await subject.records.find('ann', reply.id)).toStrictEqual(renewed)
      }
    })

    it('says so when one of them runs no more, and leaves that one as it is', async () => {
      const running = await insert()
      const stopped = await insert({ phase: 'STOP', stop: 'CANCELLED' })
      const missing = sampleReply(createConversationId())
      expect(await subject.records.renew([renewalOf(running, 'a'), renewalOf(stopped, 'b')])).toBe(false)
      expect(await subject.records.renew([renewalOf(running, 'a'), renewalOf(missing, 'c')])).toBe(false)
      expect(await subject.records.find('ann', stopped.id)).toStrictEqual(stopped)
      expect(await subject.records.find('ann', missing.id)).toBeUndefined()
    })
  })

  describe('a redaction of a reply', () => {
    it('replaces what it names in whatever phase it is, and nothing else', async () => {
      const said = { text: 'secret', parts: [{ type: 'reasoning' as const, text: 'secret' }] }
      const id = createConversationId()
      const replies = [sampleReply(id, said), queuedReply(id, 1, said), endedReply(id, said)]
      for (const reply of replies) {
        await subject.records.insert(reply)
        const { question } = reply
        const content = { text: 'half \ud83d', parts: [], ...(question && { question: { ...question, parts: [] } }) }
        await subject.records.redact(reply.id, content)
        expect(await subject.records.find('ann', reply.id)).toStrictEqual({ ...reply, ...content })
        await subject.records.redact(reply.id, { text: '' })
        await subject.records.redact(reply.id, {})
        expect(await subject.records.find('ann', reply.id)).toStrictEqual({ ...reply, ...content, text: '' })
      }
    })

    it('leaves others alone, and is nothing where the reply is gone', async () => {
      const kept = await insert({ text: 'kept' })
      await subject.records.redact(createReplyId(kept.conversationId), { text: '' })
      expect(await subject.records.find('ann', kept.id)).toStrictEqual(kept)
    })
  })

  describe('a reply', () => {
    it('is sealed by exactly one of twenty takeovers at once', async () => {
      const reply = await insert({ text: 'the last checkpoint', beat: 5 })
      const won = await Promise.all(Array.from({ length: 20 }, () => takeOver(reply)))
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(await subject.records.find('ann', reply.id)).toStrictEqual({ ...reply, phase: 'SEALED', outcome: LOST })
    })

    it('is sealed by its owner or by a takeover, never by both', async () => {
      for (let round = 0; round < 5; round++) {
        const reply = await insert()
        const outcome = { type: 'COMPLETED', finishReason: 'STOP' } as const
        const owner = subject.records.change(reply.id, { phase: 'RUN' }, { phase: 'SEALED', outcome, text: 'whole' })
        const [isOwners, isTakers] = await Promise.all([owner, takeOver(reply)])
        expect([isOwners, isTakers].filter(Boolean)).toHaveLength(1)
        const expected = isOwners ? { outcome, text: 'whole' } : { outcome: LOST, text: '' }
        expect(await subject.records.find('ann', reply.id)).toMatchObject(expected)
      }
    })

    it('whose lease was renewed is not taken over by who saw the lease before', async () => {
      const seen = await insert()
      expect(await renew(seen.id, TIME + 30_000)).toBe(true)
      expect(await takeOver(seen)).toBe(false)
      expect(await subject.records.find('ann', seen.id)).toMatchObject({ phase: 'RUN', beat: 1, text: 'a checkpoint' })
      expect(await takeOver({ ...seen, beat: 1 })).toBe(true)
      expect(await renew(seen.id, TIME + 40_000)).toBe(false)
      expect(await subject.records.find('ann', seen.id)).toMatchObject({ phase: 'SEALED', text: 'a checkpoint' })
    })

    it('counts every one of twenty renewals at once', async () => {
      const reply = await insert()
      const won = await Promise.all(Array.from({ length: 20 }, (_, index) => renew(reply.id, TIME + index)))
      expect(won.every(Boolean)).toBe(true)
      expect(await subject.records.find('ann', reply.id)).toMatchObject({ beat: 20 })
    })

    it('stops once, whoever asks, and keeps the first reason', async () => {
      const reply = await insert()
      const reasons = ['CANCELLED', 'SUPERSEDED', 'DISCONNECTED'] as const
      const stop = (reason: (typeof reasons)[number]) =>
        subject.records.change(reply.id, { phase: 'RUN' }, { phase: 'STOP', stop: reason })
      const won = await Promise.all(reasons.map(stop))
      expect(won.filter(Boolean)).toHaveLength(1)
      expect(await subject.records.find('ann', reply.id)).toMatchObject({
        phase: 'STOP',
        stop: reasons[won.indexOf(true)],
      })
    })
  })
}
