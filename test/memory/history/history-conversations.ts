import { describe, expect, it } from 'vitest'
import { ConversationIdTakenError } from '../../../src/errors.ts'
import type { Conversation } from '../../../src/memory/conversation.ts'
import type { ConversationKey, ConversationRange } from '../../../src/memory/history/history.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import type { Metadata } from '../../../src/memory/message.ts'
import type { HistoryUnderTest } from './history-suite.ts'
import { sampleConversation, TIME } from './stored-samples.ts'

export function describeConversations(subject: HistoryUnderTest): void {
  const create = async (given: Partial<Conversation> = {}) =>
    (await subject.history.createConversation(sampleConversation(given))).conversation
  const find = async (ownerId: string, id: string) => (await subject.history.findConversations(ownerId, [id]))[0]

  describe('conversations', () => {
    it('come back as they were stored, absent values absent', async () => {
      const bare = await create()
      const full = await create({
        externalId: 'thread-7',
        title: 'Ünïcode 🎉\u0000',
        model: 'gpt-x',
        instructions: 'Be kind.',
        metadata: JSON.parse('{"$set": 1, "a.b": "x", "__proto__": null, "": true}') as Metadata,
        branches: [{ id: 'k3', parent: '0', atSequence: 4, tokenStart: 30 }],
        activeBranch: 'k3',
        branchEpoch: 3,
        selectedEpochs: { 0: 2, k3: 3 },
        heads: { 0: { sequence: 9, tokens: 90 }, k3: { sequence: 4, tokens: 44 } },
        archivedAt: TIME + 1,
        expiresAt: subject.now + 1,
      })
      expect(await subject.history.findConversations('ann', [full.id, bare.id])).toStrictEqual([full, bare])
      expect(await subject.history.findConversationByExternalId('ann', 'thread-7')).toStrictEqual(full)
    })

    it('of an id that is in use are refused: by another owner, and while it is deleted', async () => {
      const [foreign, own] = [await create({ ownerId: 'bob' }), await create()]
      await expect(create({ id: foreign.id, externalId: 'a' })).rejects.toThrow(ConversationIdTakenError)
      await subject.history.markDeleted('ann', own.id, TIME)
      await expect(create({ id: own.id })).rejects.toThrow(ConversationIdTakenError)
      await subject.history.removeConversation(own.id)
      expect(await create({ id: own.id })).toMatchObject({ id: own.id })
    })

    it('are found in the order asked, missing and foreign ones alike absent', async () => {
      const [one, two, foreign] = [await create(), await create(), await create({ ownerId: 'bob' })]
      const ids = [two.id, createConversationId(), foreign.id, one.id, two.id]
      const found = await subject.history.findConversations('ann', ids)
      expect(found).toStrictEqual([two, undefined, undefined, one, two])
      expect(await subject.history.findConversations('ann', [])).toStrictEqual([])
    })

    it('of one externalId are one per owner, whoever comes first', async () => {
      const candidates = Array.from({ length: 8 }, () => sampleConversation({ externalId: 'race' }))
      const results = await Promise.all(candidates.map((each) => subject.history.createConversation(each)))
      const [winner] = results.filter(({ created }) => created)
      expect(results.filter(({ created }) => created)).toHaveLength(1)
      expect(new Set(results.map(({ conversation }) => conversation.id))).toStrictEqual(
        new Set([winner?.conversation.id]),
      )
      const other = await subject.history.createConversation(sampleConversation({ ownerId: 'bob', externalId: 'race' }))
      expect(other.created).toBe(true)
      expect(await subject.history.findConversationByExternalId('eve', 'race')).toBeUndefined()
    })

    it('change in the fields that are named, and lose those that are null', async () => {
      const { id } = await create({ title: 'old', model: 'm', metadata: { a: 1 } })
      const change = { title: 'new', model: null, metadata: { b: 2 }, archivedAt: TIME, expiresAt: subject.now + 5 }
      const changed = await subject.history.updateConversation('ann', id, change)
      expect(changed).toMatchObject({ title: 'new', metadata: { b: 2 }, archivedAt: TIME, expiresAt: subject.now + 5 })
      expect(changed).not.toHaveProperty('model')
      expect(await find('ann', id)).toStrictEqual(changed)
      const back = { metadata: null, archivedAt: null, expiresAt: null, instructions: 'Be brief.' }
      const restored = await subject.history.updateConversation('ann', id, back)
      expect(restored).toStrictEqual(sampleConversation({ id, title: 'new', instructions: 'Be brief.' }))
      expect(await subject.history.updateConversation('ann', id, {})).toStrictEqual(restored)
    })

    it('of others cannot be changed', async () => {
      const { id } = await create({ title: 'mine' })
      expect(await subject.history.updateConversation('bob', id, { title: 'yours' })).toBeUndefined()
      expect(await subject.history.updateConversation('ann', createConversationId(), { title: 'x' })).toBeUndefined()
      expect(await find('ann', id)).toMatchObject({ title: 'mine' })
    })

    it('keep the highest hint of each branch and the latest arrival', async () => {
      const { id } = await create({ heads: { 0: { sequence: 5, tokens: 50 } } })
      await subject.history.raiseHead(id, '0', { sequence: 7, tokens: 70 }, TIME + 7)
      await subject.history.raiseHead(id, 'z9', { sequence: 6, tokens: 61 }, TIME + 6)
      await subject.history.raiseHead(id, '0', { sequence: 6, tokens: 60 }, TIME + 5)
      const heads = { 0: { sequence: 7, tokens: 70 }, z9: { sequence: 6, tokens: 61 } }
      expect(await find('ann', id)).toMatchObject({ heads, lastMessageAt: TIME + 7 })
    })
  })

  describe('the list of conversations', () => {
    it('gives every page of both directions, whatever times are shared', async () => {
      const times = [1, 2, 2, 2, 3, 3, 4, 5, 5, 5, 5, 6]
      const made = await Promise.all(times.map((time) => create({ ownerId: 'lister', lastMessageAt: TIME + time })))
      await create({ ownerId: 'lister', lastMessageAt: TIME + 3, archivedAt: TIME })
      const sorted = made.sort((a, b) => b.lastMessageAt - a.lastMessageAt || (a.id < b.id ? 1 : -1))
      const keys: (ConversationKey | undefined)[] = [undefined, ...sorted]
      for (const limit of [1, 3, 20]) {
        for (const newer of keys) await compare({ limit, ...(newer && { newer }) }, sorted)
        for (const older of keys) await compare({ limit, ...(older && { older }) }, sorted)
      }
      const bounds = [0, 2, 5, 7, 10].flatMap((begin) => [begin + 1, begin + 4].map((end) => [begin, end] as const))
      for (const [begin, end] of bounds) {
        const [newer, older] = [sorted[begin], sorted[end]]
        if (newer && older) await compare({ limit: 3, newer, older }, sorted)
      }
    })

    /** The same range on a plain array. */
    async function compare(given: Pick<ConversationRange, 'limit' | 'newer' | 'older'>, sorted: Conversation[]) {
      const begin = given.newer === undefined ? 0 : sorted.findIndex(({ id }) => id === given.newer?.id) + 1
      const end = given.older === undefined ? sorted.length : sorted.findIndex(({ id }) => id === given.older?.id)
      const inRange = sorted.slice(begin, end)
      const list = { ownerId: 'lister', archived: false, ...given }
      const newest = await subject.history.listConversations({ ...list, from: 'NEWEST' })
      expect(newest).toStrictEqual(inRange.slice(0, given.limit))
      const oldest = await subject.history.listConversations({ ...list, from: 'OLDEST' })
      expect(oldest).toStrictEqual(inRange.slice(-given.limit))
    }

    it('follows archiving', async () => {
      const list = { ownerId: 'archivist', limit: 10, from: 'NEWEST' as const }
      const { id } = await create({ ownerId: 'archivist' })
      await subject.history.updateConversation('archivist', id, { archivedAt: TIME })
      expect(await subject.history.listConversations({ ...list, archived: false })).toStrictEqual([])
      expect(await subject.history.listConversations({ ...list, archived: true })).toMatchObject([{ id }])
      await subject.history.updateConversation('archivist', id, { archivedAt: null })
      expect(await subject.history.listConversations({ ...list, archived: false })).toMatchObject([{ id }])
    })

    it('has full pages where some have expired', async () => {
      const made: Conversation[] = []
      for (let index = 0; index < 12; index++) {
        const expiresAt = subject.now + (index % 3 === 0 ? 100 : 10)
        made.push(await create({ ownerId: 'ephemeral', lastMessageAt: TIME + index, expiresAt }))
      }
      subject.now += 50
      const alive = made.filter((_, index) => index % 3 === 0).reverse()
      const list = { ownerId: 'ephemeral', archived: false, limit: 3 }
      expect(await subject.history.listConversations({ ...list, from: 'NEWEST' })).toStrictEqual(alive.slice(0, 3))
      expect(await subject.history.listConversations({ ...list, from: 'OLDEST' })).toStrictEqual(alive.slice(-3))
      expect(await subject.history.listConversations({ ...list, limit: 9, from: 'NEWEST' })).toStrictEqual(alive)
    })
  })
}
