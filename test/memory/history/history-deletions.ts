import { describe, expect, it } from 'vitest'
import type { Conversation } from '../../../src/memory/conversation.ts'
import type { HistoryUnderTest } from './history-suite.ts'
import { sampleConversation, sampleMessage, sampleMessages, TIME } from './stored-samples.ts'

export function describeDeletions(subject: HistoryUnderTest): void {
  const create = async (given: Partial<Conversation> = {}) =>
    (await subject.history.createConversation(sampleConversation(given))).conversation

  const expectAbsent = async ({ ownerId, id, externalId = '' }: Conversation) => {
    const { history } = subject
    const list = { ownerId, archived: false, limit: 10, from: 'NEWEST' as const }
    expect(await history.findConversations(ownerId, [id])).toStrictEqual([undefined])
    expect(await history.findConversationByExternalId(ownerId, externalId)).toBeUndefined()
    expect(await history.listConversations(list)).toStrictEqual([])
    expect(await history.updateConversation(ownerId, id, { title: 'x', expiresAt: null })).toBeUndefined()
    expect(await history.updateConversation(ownerId, id, {})).toBeUndefined()
    expect(await history.markDeleted(ownerId, id, subject.now)).toBe(false)
    await history.raiseHead(id, '0', { sequence: 1, tokens: 10 }, subject.now)
    expect(await history.findConversations(ownerId, [id])).toStrictEqual([undefined])
  }

  describe('a deletion', () => {
    it('makes the conversation absent for its owner, and is not for others', async () => {
      const conversation = await create({ ownerId: 'leaver', externalId: 'gone' })
      expect(await subject.history.markDeleted('bob', conversation.id, TIME)).toBe(false)
      expect(await subject.history.markDeleted('leaver', conversation.id, TIME)).toBe(true)
      await expectAbsent(conversation)
      const again = await subject.history.createConversation(
        sampleConversation({ ownerId: 'leaver', externalId: 'gone' }),
      )
      expect(again.created).toBe(true)
    })

    it('is unfinished until the document is removed, the oldest first', async () => {
      const [late, early] = [await create({ ownerId: 'eraser' }), await create({ ownerId: 'eraser' })]
      await subject.history.markDeleted('eraser', late.id, TIME + 20)
      await subject.history.markDeleted('eraser', early.id, TIME + 10)
      const unfinished = async (before: number, limit = 100) => {
        const found = await subject.history.findUnfinishedDeletions(before, limit)
        return found.filter(({ ownerId }) => ownerId === 'eraser')
      }
      const both = [early, late].map(({ id }, index) => {
        return { conversationId: id, ownerId: 'eraser', deletedAt: TIME + 10 * (index + 1) }
      })
      expect(await unfinished(TIME + 21)).toEqual(both)
      expect(await unfinished(TIME + 20)).toEqual(both.slice(0, 1))
      expect(await unfinished(TIME + 21, 0)).toEqual([])
      await subject.history.removeConversation(early.id)
      await subject.history.removeConversation(early.id)
      expect(await unfinished(TIME + 21)).toEqual(both.slice(1))
    })

    it('never removes the document of a conversation that is not deleted', async () => {
      const { id } = await create()
      await subject.history.removeConversation(id)
      expect(await subject.history.findConversations('ann', [id])).toMatchObject([{ id }])
    })

    it('removes the messages of every branch in bounded steps, and no others', async () => {
      const [gone, kept] = [await create(), await create()]
      const branch = [1, 2, 3].map((sequence) => sampleMessage(gone.id, sequence, { branch: 'b' }))
      await subject.history.insertMessages([...sampleMessages(gone.id, 1, 250), ...branch])
      await subject.history.insertMessages(sampleMessages(kept.id, 1, 3))
      await subject.history.markDeleted('ann', gone.id, TIME)
      const removed: number[] = []
      do removed.push((await subject.history.removeMessages(gone.id, 120)).messages)
      while (removed.at(-1) !== 0)
      expect(removed).toStrictEqual([120, 120, 13, 0])
      const all = { branch: '0', fromTokens: 0, limit: 1_000 }
      expect(await subject.history.readTokenRange({ ...all, conversationId: gone.id })).toStrictEqual([])
      expect(await subject.history.readTokenRange({ ...all, conversationId: kept.id })).toHaveLength(3)
    })
  })

  describe('the end of a conversation', () => {
    it('makes it absent at the very millisecond', async () => {
      const conversation = await create({ ownerId: 'mayfly', externalId: 'short', expiresAt: subject.now + 10 })
      subject.now += 9
      expect(await subject.history.findConversations('mayfly', [conversation.id])).toStrictEqual([conversation])
      subject.now += 1
      await expectAbsent(conversation)
    })

    it('frees its externalId and leaves the rest to the sweep', async () => {
      const expired = await create({ ownerId: 'heir', externalId: 'seat', expiresAt: subject.now })
      const { conversation, created } = await subject.history.createConversation(
        sampleConversation({ ownerId: 'heir', externalId: 'seat' }),
      )
      expect(created).toBe(true)
      expect(await subject.history.findConversationByExternalId('heir', 'seat')).toStrictEqual(conversation)
      const unfinished = await subject.history.findUnfinishedDeletions(subject.now + 1, 1_000)
      expect(unfinished.map(({ conversationId }) => conversationId)).toContain(expired.id)
    })
  })
}
