import { describe, expect, it } from 'vitest'
import type { Conversation } from '../../../src/memory/conversation.ts'
import type { BranchSwitch } from '../../../src/memory/history/history.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import type { HistoryUnderTest } from './history-suite.ts'
import { sampleConversation, TIME } from './stored-samples.ts'

/** An edit of message 4: what is committed with the epoch after `fromEpoch`. */
function edit(id: string, fromEpoch: number): BranchSwitch {
  const branch = { id, parent: '0', atSequence: 4, tokenStart: 30 }
  return { fromEpoch, toEpoch: fromEpoch + 1, branch: id, newBranch: { branch, head: { sequence: 5, tokens: 50 } } }
}

export function describeSwitches(subject: HistoryUnderTest): void {
  const create = async (given: Partial<Conversation> = {}) =>
    (await subject.history.createConversation(sampleConversation(given))).conversation
  const find = async (id: string) => (await subject.history.findConversations('ann', [id]))[0]

  describe('a switch', () => {
    it('makes a branch active, and lists the one that it makes with the hint of its head', async () => {
      const heads = { 0: { sequence: 9, tokens: 90 } }
      const conversation = await create({ title: 'kept', heads })
      expect(await subject.history.switchBranch('ann', conversation.id, edit('k3', 0))).toBe(true)
      const edited = {
        ...conversation,
        branches: [{ id: 'k3', parent: '0', atSequence: 4, tokenStart: 30 }],
        activeBranch: 'k3',
        branchEpoch: 1,
        selectedEpochs: { k3: 1 },
        heads: { ...heads, k3: { sequence: 5, tokens: 50 } },
      }
      expect(await find(conversation.id)).toStrictEqual(edited)
      const back = { fromEpoch: 1, toEpoch: 5, branch: '0' }
      expect(await subject.history.switchBranch('ann', conversation.id, back)).toBe(true)
      const switched = { ...edited, activeBranch: '0', branchEpoch: 5, selectedEpochs: { 0: 5, k3: 1 } }
      expect(await find(conversation.id)).toStrictEqual(switched)
    })

    it('lists branches in the order of their making', async () => {
      const { id } = await create()
      for (const [epoch, branch] of ['z', 'a', '7', 'm'].entries()) {
        expect(await subject.history.switchBranch('ann', id, edit(branch, epoch))).toBe(true)
      }
      const found = await find(id)
      expect(found?.branches.map((branch) => branch.id)).toStrictEqual(['z', 'a', '7', 'm'])
      expect(found?.selectedEpochs).toStrictEqual({ z: 1, a: 2, 7: 3, m: 4 })
    })

    it('of the epoch alone leaves the active branch and its time of use', async () => {
      const conversation = await create({ activeBranch: 'k3', branchEpoch: 2, selectedEpochs: { k3: 2 } })
      expect(await subject.history.switchBranch('ann', conversation.id, { fromEpoch: 2, toEpoch: 7 })).toBe(true)
      expect(await find(conversation.id)).toStrictEqual({ ...conversation, branchEpoch: 7 })
    })

    it('changes nothing at another epoch, for others, or of what is not there', async () => {
      const conversation = await create({ branchEpoch: 3 })
      const { history } = subject
      expect(await history.switchBranch('ann', conversation.id, edit('k3', 2))).toBe(false)
      expect(await history.switchBranch('ann', conversation.id, edit('k3', 4))).toBe(false)
      expect(await history.switchBranch('bob', conversation.id, edit('k3', 3))).toBe(false)
      expect(await history.switchBranch('ann', createConversationId(), edit('k3', 3))).toBe(false)
      expect(await find(conversation.id)).toStrictEqual(conversation)
    })

    it('is refused in a conversation that is deleted or past its end', async () => {
      const [deleted, expired] = [await create(), await create({ expiresAt: subject.now })]
      await subject.history.markDeleted('ann', deleted.id, TIME)
      for (const { id } of [deleted, expired]) {
        expect(await subject.history.switchBranch('ann', id, edit('k3', 0))).toBe(false)
      }
    })

    it('is won by exactly one of twenty at once, and only its branch is listed', async () => {
      const { id } = await create()
      const edits = Array.from({ length: 20 }, (_, index) => edit(`b${index}`, 0))
      const won = await Promise.all(edits.map((change) => subject.history.switchBranch('ann', id, change)))
      expect(won.filter(Boolean)).toHaveLength(1)
      const winner = `b${won.indexOf(true)}`
      expect(await find(id)).toMatchObject({ activeBranch: winner, branchEpoch: 1, branches: [{ id: winner }] })
      expect((await find(id))?.branches).toHaveLength(1)
    })
  })
}
