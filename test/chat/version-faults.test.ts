import { expect, test } from 'vitest'
import type { ReplyEvent } from '../../src/chat/follow/reply-event.ts'
import type { Cache } from '../../src/memory/cache/cache.ts'
import { ROOT_BRANCH } from '../../src/memory/conversation.ts'
import { createConversationId, createReplyId } from '../../src/memory/ids.ts'
import { contentOf, type Message, type NewMessage } from '../../src/memory/message.ts'
import { MAX_BRANCHES } from '../../src/memory/versions/branches.ts'
import { answerOf, collect, never, OWNER, questionOf } from '../support/reply-node.ts'
import { modelSays, useReplyStage, userSays } from '../support/reply-stage.ts'

const stage = useReplyStage()

test('who comes to a running reply after a redaction is told what is left of its question and context', async () => {
  const { world, model, node, id, startNode, append, readPath } = stage
  const other = startNode()
  const [before] = await append(userSays('a secret'))
  const asked = questionOf(id, 'what was it?', { id: 'q' })
  const first = await node.replies.send(OWNER, asked, never)
  const call = await model.nextCall()
  const replyId = (await world.records.findActive(OWNER, id))?.id ?? ''
  // Of the listeners of one node the first is told what all of them share.
  const far = await other.replies.subscribe(OWNER, replyId, null, never)
  const isToldFar = (await far[Symbol.asyncIterator]().next()).value
  expect(said(isToldFar)).toEqual(['a secret', 'what was it?'])
  const [, question] = await readPath()
  for (const message of [before, question]) await node.memory.redactMessage(OWNER, message?.id ?? '')
  const late = [
    await node.replies.send(OWNER, asked, never),
    await node.replies.subscribe(OWNER, replyId, null, never),
    await other.replies.subscribe(OWNER, replyId, null, never),
  ]
  call.answer('I forgot.')
  for (const stream of late) {
    const [started, ...rest] = await collect(stream)
    expect(said(started)).toEqual(['', ''])
    expect(started).toMatchObject({ question: { status: 'REDACTED', parts: [] } })
    expect(rest.at(-1)).toMatchObject({ type: 'ReplyCompleted' })
  }
  expect(said((await collect(first))[0])).toEqual(['a secret', 'what was it?'])
})

test('every node tells the same context of a reply, and where it came from: the question is in no store yet', async () => {
  const { world, model, node, id, startNode, append } = stage
  const other = startNode()
  const words = Array.from({ length: 30 }, (_, index) => ({
    role: index % 2 ? ('ASSISTANT' as const) : ('USER' as const),
    parts: [{ type: 'text' as const, text: `message ${index} `.repeat(8) }],
  }))
  const messages = await append(...words)
  const sends = [
    questionOf(id, 'an edit', { replaces: messages[20]?.id ?? '' }),
    answerOf(id, 'another answer', messages[15]?.id),
    questionOf(id, 'what comes next'),
    questionOf(id, 'an edit of the first', { replaces: messages[0]?.id ?? '' }),
  ]
  for (const send of sends) {
    const stream = await node.replies.send(OWNER, { ...send, maxTokens: 200 }, never)
    const call = await model.nextCall()
    const replyId = (await world.records.findActive(OWNER, id))?.id ?? ''
    const far = collect(await other.replies.subscribe(OWNER, replyId, null, never))
    call.answer('yes')
    const [started] = await collect(stream)
    expect((await far)[0]).toMatchObject({ ...started, cursor: expect.any(String) })
    expect(started).toMatchObject({ type: 'ReplyStarted', context: { source: 'HISTORY' } })
  }
})

test('a question that was stored before is answered where a cache that lost it does not know of it', async () => {
  const { world, model, id, startNode } = stage
  const lossy: Cache = { ...world.cache, mark: async () => {}, confirm: async () => {} }
  const lossyNode = startNode({ cache: lossy, history: { raiseHead: async () => {} } })
  const append = (...messages: NewMessage[]) => lossyNode.memory.appendMessages(OWNER, id, messages)
  await append(userSays('before'))
  const warm = async () => (await world.cache.readEntries([id]))[0]?.tail?.last
  await lossyNode.memory.readContexts([
    { ownerId: OWNER, conversationId: id, maxTokens: 100, startOn: 'ANY', anchor: 0, consistency: 'STRONG' },
  ])
  await expect.poll(warm).toBe(1)
  const question = questionOf(id, 'stored')
  await append(modelSays('between'), { ...userSays('stored'), clientMessageId: 'stored' })
  const stream = await lossyNode.replies.send(OWNER, question, never)
  const calls = [await model.nextCall(), await model.nextCall()]
  calls[1]?.answer('yes')
  expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
  expect(calls[1]?.request.messages).toMatchObject(['before', 'between', 'stored'].map((content) => ({ content })))
})

test('a reply to nobody cannot be made again, and says so', async () => {
  const { node, id, append } = stage
  const greetings = await append(modelSays('Hello!'), modelSays('How are you?'))
  const given = ['no message', 'a message of the role ASSISTANT']
  for (const [index, greeting] of greetings.entries()) {
    expect(await collect(await node.replies.send(OWNER, answerOf(id, 'again', greeting.id), never))).toMatchObject([
      {
        type: 'ReplyRejected',
        code: 'BAD_USER_INPUT',
        detail: `replaces must be a reply to the user or to results of tools; got one to ${given[index]}.`,
      },
    ])
  }
})

test('an edit that could not be is no version, though its node died before it looked', async () => {
  const { world, node, id, append, readPath } = stage
  const [, answer] = await append(userSays('one'), modelSays('1'))
  const { clientMessageId, question } = questionOf(id, 'eins')
  const claim = {
    id: createReplyId(id),
    conversationId: id,
    ownerId: OWNER,
    clientMessageId,
    ...(question && { question }),
    replaces: answer?.id ?? '',
    context: { maxTokens: 3_000, anchor: 0 },
    ...{ phase: 'RUN' as const, active: true, beat: 0, leaseUntil: 0, startedAt: 0 },
    ...{ text: '', parts: [], model: '' },
  }
  expect(await world.records.insert(claim)).toBe(true)
  await expect.poll(async () => (await node.replies.find(OWNER, claim.id))?.phase).toBe('ENDED')
  expect((await readPath()).map(textOf)).toEqual(['one', '1'])
})

test('another answer that loses the race for the last branch fails, and its text is left', async () => {
  const { world, model, node } = stage
  const { conversation } = await node.memory.createConversation(OWNER, {}, 'FAIL')
  const id = createConversationId()
  const place = { parent: ROOT_BRANCH, atSequence: 1, tokenStart: 0 }
  const branches = Array.from({ length: MAX_BRANCHES - 1 }, (_, index) => ({ id: `b${index}`, ...place }))
  await world.history.createConversation({ ...conversation, id, branches })
  const [question, old] = (await node.memory.appendMessages(OWNER, id, [userSays('one'), modelSays('1')])).messages
  const stream = await node.replies.send(OWNER, answerOf(id, 'again', old?.id), never)
  const call = await model.nextCall()
  await node.memory.appendMessages(OWNER, id, [userSays('eins')], question?.id)
  call.answer('I')
  const events = await collect(stream)
  const detail = 'The answer was not stored: replaces must be in a conversation with less than 1000 branches; got 1000.'
  expect(events.at(-1)).toMatchObject({ type: 'ReplyFailed', code: 'BAD_USER_INPUT', detail, retryable: false })
  expect(await node.replies.find(OWNER, events[0]?.replyId ?? '')).toMatchObject({
    text: 'I',
    outcome: { type: 'FAILED' },
    active: false,
  })
  const refused = await collect(await node.replies.send(OWNER, answerOf(id, 'once more', old?.id), never))
  expect(refused).toMatchObject([{ type: 'ReplyRejected', code: 'BAD_USER_INPUT' }])
  expect(model.calls).toHaveLength(1)
})

test('an answer that is complete and empty is one, and stands where the old one stood', async () => {
  const { model, node, id, append, readPath } = stage
  const [, old] = await append(userSays('one'), modelSays('1'))
  const stream = await node.replies.send(OWNER, answerOf(id, 'again', old?.id), never)
  const call = await model.nextCall()
  call.finish('STOP')
  call.end()
  expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyCompleted', message: { parts: [] } })
  expect((await readPath()).map(textOf)).toEqual(['one', ''])
})

function said(event: ReplyEvent | undefined): string[] {
  return event?.type === 'ReplyStarted' ? event.context.messages.map(textOf) : []
}

function textOf({ parts }: Message): string {
  return contentOf(parts)
}
