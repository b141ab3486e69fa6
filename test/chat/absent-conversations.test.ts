import { describe, expect, test } from 'vitest'
import { NotFoundError } from '../../src/errors.ts'
import type { History } from '../../src/memory/history/history.ts'
import { createReplyId } from '../../src/memory/ids.ts'
import { collect, never, OWNER, questionOf, type ReplyNode } from '../support/reply-node.ts'
import { away, type ReplyStage, useReplyStage } from '../support/reply-stage.ts'
import { REPLY_STORES } from '../support/reply-world.ts'

const gone = { type: 'ReplyFailed', code: 'NOT_FOUND', retryable: false }

/** A deletion whose node is killed behind the commit, and the end of a conversation's time before a sweep. */
const ABSENCES = {
  deleted: ({ world, id }: ReplyStage) => world.history.markDeleted(OWNER, id, Date.now()),
  expired: ({ world, id }: ReplyStage) => world.history.updateConversation(OWNER, id, { expiresAt: Date.now() - 1 }),
}

describe.each(REPLY_STORES)('on $store', ({ openWorld }) => {
  const stage = useReplyStage(openWorld)

  for (const [name, end] of Object.entries(ABSENCES)) {
    test(`a reply of a conversation that is ${name} is missing to every look-up, while it runs and after, and ends so`, async () => {
      const { world, model, node, id, startNode, untilSaved } = stage
      const events = node.replies.send(OWNER, questionOf(id, 'q'), never).then(collect)
      const call = await model.nextCall()
      call.text('the secret')
      const replyId = await untilSaved('the secret')
      const other = startNode()
      await end(stage)
      for (const each of [node, other]) await expectMissing(each, replyId)
      call.answer(', whole')
      expect((await events).at(-1)).toMatchObject(gone)
      for (const each of [node, other]) await expectMissing(each, replyId)
      expect(await world.records.find(OWNER, replyId)).toMatchObject({ phase: 'ENDED', text: '', parts: [] })
    })
  }

  test('a stream of a reply that is interrupted, whose conversation is deleted while its end is read, ends so', async () => {
    const { world, model, node, id, startNode, untilSaved } = stage
    const events = node.replies.send(OWNER, questionOf(id, 'q'), never).then(collect)
    ;(await model.nextCall()).text('the secret')
    const replyId = await untilSaved('the secret')
    await node.replies.cancel(OWNER, replyId)
    expect((await events).at(-1)).toMatchObject({ type: 'ReplyInterrupted', partial: { role: 'ASSISTANT' } })
    const findMessages: History['findMessages'] = async (ids) => {
      await ABSENCES.deleted(stage)
      return world.history.findMessages(ids)
    }
    const other = startNode({ history: { findMessages } })
    const late = await collect(await other.replies.subscribe(OWNER, replyId, null, never))
    expect(late.at(-1)).toMatchObject(gone)
    expect(JSON.stringify(late)).not.toContain('secret')
  })

  test('a reply of a dead node whose conversation is deleted is ended by the sweep without its text', async () => {
    const { world, startNode } = stage
    const replyId = await leaveSealed()
    await ABSENCES.deleted(stage)
    await startNode({ now: () => Date.now() + 60_000 }).replies.sweep()
    expect(await world.records.find(OWNER, replyId)).toMatchObject({ phase: 'ENDED', text: '', active: false })
  })

  test('a sweep ends the running reply of an expired conversation as a deletion does, on every node', async () => {
    const { world, model, node, id, startNode, untilSaved } = stage
    const events = node.replies.send(OWNER, questionOf(id, 'q'), never).then(collect)
    const call = await model.nextCall()
    call.text('the secret')
    const replyId = await untilSaved('the secret')
    const elsewhere = collect(await startNode().replies.subscribe(OWNER, replyId, null, never))
    await ABSENCES.expired(stage)
    const { memory } = startNode()
    await memory.sweep()
    await memory.drain(5_000)
    call.text(', and more')
    expect((await events).at(-1)).toMatchObject(gone)
    expect((await elsewhere).at(-1)).toMatchObject(gone)
    expect(await world.records.find(OWNER, replyId)).toBeUndefined()
  })

  test('a reply whose end cannot be stored now is shown as it is stored', async () => {
    const { node, id, startNode } = stage
    const replyId = await leaveSealed()
    const full = startNode({ records: { change: () => Promise.reject(away()) } })
    const shown = { id: replyId, phase: 'SEALED', text: 'the secret' }
    expect(await full.replies.find(OWNER, replyId)).toMatchObject(shown)
    expect(await full.replies.findLastMany(OWNER, [id])).toMatchObject([shown])
    expect(await full.replies.findActiveMany(OWNER, [id])).toMatchObject([shown])
    await startNode({ now: () => Date.now() + 60_000 }).replies.sweep()
    expect(await node.replies.find(OWNER, replyId)).toMatchObject({ phase: 'ENDED' })
  })

  test('many replies of many conversations are shown by one look-up of conversations', async () => {
    const { world, node, id, startNode } = stage
    const replyId = await leaveSealed()
    const calls: (readonly string[])[] = []
    const findConversations: History['findConversations'] = (owner, ids, options) => {
      calls.push(ids)
      return world.history.findConversations(owner, ids, options)
    }
    // Its end is stored by then, and looks for its conversation no more.
    await node.replies.find(OWNER, replyId)
    const counted = startNode({ history: { findConversations } })
    const found = await counted.replies.findMany(OWNER, [replyId, replyId, createReplyId(id)])
    expect(found.map((reply) => reply?.id)).toEqual([replyId, replyId, undefined])
    expect(calls).toEqual([[id]])
  })

  async function expectMissing({ replies }: ReplyNode, replyId: string): Promise<void> {
    const { id } = stage
    expect(await replies.find(OWNER, replyId)).toBeUndefined()
    expect(await replies.findMany(OWNER, [replyId])).toEqual([undefined])
    expect(await replies.findActive(OWNER, id)).toBeUndefined()
    expect(await replies.findActiveMany(OWNER, [id])).toEqual([undefined])
    expect(await replies.findNewest(OWNER, id)).toBeUndefined()
    expect(await replies.findLastMany(OWNER, [id])).toEqual([undefined])
    expect(await replies.findOfMessage(OWNER, { conversationId: id, clientMessageId: 'q' })).toBeUndefined()
    await expect(replies.cancel(OWNER, replyId)).rejects.toThrow(NotFoundError)
    await expect(replies.subscribe(OWNER, replyId, null, never)).rejects.toThrow(NotFoundError)
    const [joined] = await collect(await replies.send(OWNER, questionOf(id, 'q'), never))
    expect(joined).toMatchObject({ type: 'ReplyRejected', code: 'NOT_FOUND' })
  }

  /** A reply that said something and was sealed by a node that died before it stored it. */
  async function leaveSealed(): Promise<string> {
    const { world, model, id, startNode, readActive } = stage
    const lost = startNode({ records: { change: () => new Promise(() => {}) } })
    await lost.replies.send(OWNER, questionOf(id, 'q'), never)
    await model.nextCall()
    const replyId = (await readActive())?.id ?? ''
    const outcome = { type: 'COMPLETED', finishReason: 'STOP' } as const
    const sealed = { phase: 'SEALED', text: 'the secret', outcome, leaseUntil: Date.now() } as const
    expect(await world.records.change(replyId, { phase: 'RUN' }, sealed)).toBe(true)
    return replyId
  }
})
