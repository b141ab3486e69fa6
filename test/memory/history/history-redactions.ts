import { describe, expect, it } from 'vitest'
import type { Conversation } from '../../../src/memory/conversation.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import type { MessagePart } from '../../../src/memory/message.ts'
import type { HistoryUnderTest } from './history-suite.ts'
import { sampleConversation, sampleMessage, TIME } from './stored-samples.ts'

export function describeRedactions(subject: HistoryUnderTest): void {
  const create = async (given: Partial<Conversation> = {}) =>
    (await subject.history.createConversation(sampleConversation(given))).conversation

  describe('a redaction', () => {
    it.each<[string, MessagePart[], MessagePart[]]>([
      ['text by nothing', [{ type: 'text', text: 'secret' }], []],
      ['text by text', [{ type: 'text', text: 'secret' }], [{ type: 'text', text: '' }]],
      [
        'a tool call by its name',
        [
          { type: 'text', text: 'secret' },
          { type: 'toolCall', toolCallId: 't', toolName: 'f', arguments: '{"secret": 1}' },
        ],
        [{ type: 'toolCall', toolCallId: 't', toolName: 'f', arguments: '{}' }],
      ],
      ['data by text', [{ type: 'data', name: 'd', data: 'secret' }], [{ type: 'text', text: 'gone' }]],
    ])('replaces %s, and keeps everything else', async (_, parts, remaining) => {
      const id = createConversationId()
      const usage = { promptTokens: 5, completionTokens: 6, estimated: false }
      const own = { author: 'Ann', metadata: { a: 1 }, clientMessageId: 'x', finishReason: 'STOP', model: 'm' } as const
      const message = sampleMessage(id, 1, { parts, usage, replyTo: 'msg_1', ...own })
      await subject.history.insertMessages([message, sampleMessage(id, 2)])
      const redacted = { ...message, status: 'REDACTED', parts: remaining }
      expect(await subject.history.redactMessage(message.id, remaining)).toStrictEqual(redacted)
      expect(await subject.history.redactMessage(message.id, remaining)).toStrictEqual(redacted)
      const found = await subject.history.findMessages([message.id, sampleMessage(id, 2).id])
      expect(found).toStrictEqual([redacted, sampleMessage(id, 2)])
      const again = await subject.history.insertMessages([sampleMessage(id, 3, { clientMessageId: 'x' })])
      expect(again).toStrictEqual({ inserted: 0, duplicate: true })
    })

    it('of what is not there is undefined', async () => {
      expect(await subject.history.redactMessage(sampleMessage(createConversationId(), 1).id, [])).toBeUndefined()
      expect(await subject.history.redactMessage('nonsense', [])).toBeUndefined()
    })
  })

  describe('a drop that is due', () => {
    const due = async (ownerId: string, before = TIME + 1_000, limit = 1_000) => {
      const found = await subject.history.findDueDrops(before, limit)
      return found.filter((each) => each.ownerId === ownerId)
    }
    const mark = (ownerId: string, id: string, messageId?: string, time = TIME) =>
      subject.history.markDropDue(ownerId, id, time, messageId)

    it('is found until it is settled, by the time of the latest in its conversation, the oldest first', async () => {
      const ownerId = 'redactor'
      const [{ id: late }, { id: early }] = [await create({ ownerId }), await create({ ownerId })]
      const { history } = subject
      expect(await mark(ownerId, late, 'm1', TIME + 10)).toBe(true)
      expect(await mark(ownerId, late, 'm2', TIME + 30)).toBe(true)
      expect(await mark(ownerId, late, 'm1', TIME + 30)).toBe(true)
      expect(await mark(ownerId, early, undefined, TIME + 20)).toBe(true)
      const ofEarly = { conversationId: early, ownerId, messageIds: [], dropDue: TIME + 20 }
      const ofLate = { conversationId: late, ownerId, messageIds: ['m1', 'm2'], dropDue: TIME + 30 }
      expect(await due(ownerId, TIME + 31)).toEqual([ofEarly, ofLate])
      expect(await due(ownerId, TIME + 30)).toEqual([ofEarly])
      expect(await due(ownerId, TIME + 20)).toEqual([])
      expect(await history.findDueDrops(TIME + 31, 1)).toHaveLength(1)
      expect(await due(ownerId, TIME + 31, 0)).toEqual([])
      await history.settleDrop(late, TIME + 10)
      expect(await due(ownerId, TIME + 31)).toEqual([ofEarly, ofLate])
      await history.settleDrop(late, TIME + 30)
      await history.settleDrop(early, TIME + 20)
      expect(await due(ownerId)).toEqual([])
    })

    it('is shown by its conversation, is kept by every other change, and goes when it is settled', async () => {
      const ownerId = 'discreet'
      const conversation = await create({ ownerId })
      await mark(ownerId, conversation.id, 'm1')
      const marked = { ...conversation, dropDue: TIME }
      expect(await subject.history.findConversations(ownerId, [conversation.id])).toStrictEqual([marked])
      const changed = await subject.history.updateConversation(ownerId, conversation.id, { title: 'x' })
      expect(changed).toStrictEqual({ ...marked, title: 'x' })
      await subject.history.switchBranch(ownerId, conversation.id, { fromEpoch: 0, toEpoch: 1 })
      expect(await due(ownerId)).toMatchObject([{ messageIds: ['m1'] }])
      await subject.history.settleDrop(conversation.id, TIME)
      const settled = { ...conversation, title: 'x', branchEpoch: 1 }
      expect(await subject.history.findConversations(ownerId, [conversation.id])).toStrictEqual([settled])
    })

    it('is refused in a conversation that is foreign, missing, deleted or past its end', async () => {
      const ownerId = 'refused'
      const [deleted, expired] = [await create({ ownerId }), await create({ ownerId, expiresAt: subject.now })]
      const { id } = await create({ ownerId })
      expect(await mark('bob', id, 'm1')).toBe(false)
      await subject.history.markDeleted(ownerId, deleted.id, TIME)
      for (const missing of [createConversationId(), deleted.id, expired.id]) {
        expect(await mark(ownerId, missing, 'm1')).toBe(false)
        await subject.history.settleDrop(missing, TIME)
      }
      expect(await due(ownerId)).toEqual([])
    })

    it('is not found once its conversation is deleted', async () => {
      const ownerId = 'overtaken'
      const { id } = await create({ ownerId })
      await mark(ownerId, id, 'm1')
      expect(await due(ownerId)).toHaveLength(1)
      await subject.history.markDeleted(ownerId, id, TIME)
      const found = await subject.history.findDueDrops(TIME + 1_000, 1_000)
      expect(found.map(({ conversationId }) => conversationId)).not.toContain(id)
    })

    it('is marked by many at once, and one that comes while another is settled is not lost', async () => {
      const ownerId = 'crowd'
      const { id } = await create({ ownerId })
      const ids = Array.from({ length: 10 }, (_, index) => `m${index}`)
      await Promise.all(ids.map((messageId) => mark(ownerId, id, messageId)))
      const [all] = await due(ownerId)
      expect(all?.messageIds.toSorted()).toEqual(ids)
      for (let round = 1; round <= 5; round++) {
        const seen = (await due(ownerId))[0]?.dropDue ?? Number.NaN
        await Promise.all([subject.history.settleDrop(id, seen), mark(ownerId, id, `late-${round}`, seen + 1)])
        const [left] = await due(ownerId)
        expect(left?.messageIds).toContain(`late-${round}`)
      }
    })
  })
}
