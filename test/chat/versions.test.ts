import { describe, expect, test, vi } from 'vitest'
import type { ReplyRecords } from '../../src/memory/history/reply-record.ts'
import { contentOf, type Message, type NewMessage } from '../../src/memory/message.ts'
import { versionsAt } from '../../src/memory/versions/branches.ts'
import { answerOf, collect, never, OWNER, questionOf, type ReplyNode } from '../support/reply-node.ts'
import { away, useReplyStage, userSays } from '../support/reply-stage.ts'
import { REPLY_STORES } from '../support/reply-world.ts'

const CALL = { type: 'toolCall', toolCallId: 'c1', toolName: 'clock', arguments: '{}' } as const
const RESULT: NewMessage = { role: 'TOOL', parts: [{ type: 'toolResult', toolCallId: 'c1', output: 'noon' }] }

describe.each(REPLY_STORES)('versions of replies in $store', ({ openWorld }) => {
  const stage = useReplyStage(openWorld)

  test('an edit is answered as if the message had been that from the beginning', async () => {
    const { model, node, id, readTexts } = stage
    await converse('one', '1')
    const [, , second, answer] = await converse('two', '2')
    await converse('three', '3')
    const stream = await node.replies.send(OWNER, questionOf(id, 'zwei', { replaces: second?.id ?? '' }), never)
    const call = await model.nextCall()
    expect(prompt(call.request.messages)).toEqual(['one', '1', 'zwei'])
    call.answer('II')
    expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
    expect(await readTexts()).toEqual(['one', '1', 'zwei', 'II'])
    expect(await versions(second)).toEqual(['two', 'zwei'])
    await node.memory.selectVersion(OWNER, answer?.id ?? '')
    expect(await readTexts()).toEqual(['one', '1', 'two', '2', 'three', '3'])
  })

  test('a reply is made again from the same prompt, and takes the place of the old one when it is there', async () => {
    const { model, node, id, untilSaved, readTexts } = stage
    await converse('one', '1')
    const [, , , old] = await converse('two', '2')
    await converse('three', '3')
    const stream = await node.replies.send(OWNER, answerOf(id, 'again', old?.id), never)
    const call = await model.nextCall()
    expect(prompt(call.request.messages)).toEqual(['one', '1', 'two'])
    call.text('zw')
    await untilSaved('zw')
    expect(await readTexts()).toEqual(['one', '1', 'two', '2', 'three', '3'])
    call.answer('ei')
    const events = await collect(stream)
    expect(events[0]).toMatchObject({ type: 'ReplyStarted', question: { parts: [{ text: 'two' }] } })
    expect(events.at(-1)).toMatchObject({ type: 'ReplyCompleted', message: { replyTo: old?.replyTo } })
    expect(await readTexts()).toEqual(['one', '1', 'two', 'zwei'])
    expect(await versions(old)).toEqual(['2', 'zwei'])
  })

  test('an answer that fails with nothing said leaves the old one where it is', async () => {
    const { model, node, id, readTexts } = stage
    const [, old] = await converse('one', '1')
    const stream = await node.replies.send(OWNER, answerOf(id, 'again', old?.id), never)
    ;(await model.nextCall()).fail(new Error('no'))
    expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyFailed' })
    expect(await readTexts()).toEqual(['one', '1'])
    expect(await versions(old)).toEqual(['1'])
  })

  test('a model goes on from the results of its tools', async () => {
    const { model, node, id, append, readPath, readTexts } = stage
    const asked = await node.replies.send(OWNER, questionOf(id, 'What time is it?'), never)
    const first = await model.nextCall()
    first.toolCall(CALL)
    first.finish('TOOL_CALLS')
    first.end()
    expect((await collect(asked)).at(-1)).toMatchObject({ message: { finishReason: 'TOOL_CALLS', parts: [CALL] } })
    await append(RESULT)
    const stream = await node.replies.send(OWNER, answerOf(id, 'on'), never)
    const second = await model.nextCall()
    expect(second.request.messages).toMatchObject([
      { role: 'user', content: 'What time is it?' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'c1' }] },
      { role: 'tool', tool_call_id: 'c1', content: 'noon' },
    ])
    second.answer('Noon.')
    const events = await collect(stream)
    expect(events[0]).toMatchObject({ type: 'ReplyStarted', question: { role: 'TOOL' } })
    expect(await readTexts()).toEqual(['What time is it?', '', '', 'Noon.'])
    const [, , , answer] = await readPath()
    const again = await node.replies.send(OWNER, answerOf(id, 'again', answer?.id), never)
    const late = await collect(await node.replies.send(OWNER, answerOf(id, 'on'), never))
    expect(late.at(-1)).toEqual(events.at(-1))
    const third = await model.nextCall()
    expect(third.request.messages).toEqual(second.request.messages)
    third.answer('12.')
    await collect(again)
    expect(await readTexts()).toEqual(['What time is it?', '', '', '12.'])
  })

  test('results that are larger than the budget are not answered without the call that they are of', async () => {
    const { model, node, id, readActive, append, readPath } = stage
    const big = { ...RESULT, parts: [{ type: 'toolResult' as const, toolCallId: 'c1', output: 'noon '.repeat(50) }] }
    await append({ role: 'ASSISTANT', parts: [CALL] }, big)
    const [call, result] = await readPath()
    const enough = (call?.tokens ?? 0) + (result?.tokens ?? 0)
    for (const [name, maxTokens] of Object.entries({ little: 4, result: 60, almost: enough - 1 })) {
      const stream = await node.replies.send(OWNER, { ...answerOf(id, name), maxTokens }, never)
      const detail = `maxContextTokens must be at least the ${enough} tokens of the last turn, with the calls that its results answer; got ${maxTokens}.`
      expect(await collect(stream)).toMatchObject([{ type: 'ReplyRejected', code: 'BAD_USER_INPUT', detail }])
    }
    expect(model.calls).toHaveLength(0)
    expect(await readActive()).toBeUndefined()
    const stream = await node.replies.send(OWNER, { ...answerOf(id, 'on'), maxTokens: enough }, never)
    ;(await model.nextCall()).answer('Noon.')
    expect((await collect(stream)).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
  })

  test('what cannot be answered is rejected, and nothing is stored or in the way', async () => {
    const { model, node, id, readActive, readTexts } = stage
    const send = async (reply: Parameters<ReplyNode['replies']['send']>[1]) =>
      collect(await node.replies.send(OWNER, reply, never))
    const rejection = (detail: string) => [{ type: 'ReplyRejected', code: 'BAD_USER_INPUT', detail }]
    expect(await send(answerOf(id, 'empty'))).toMatchObject(
      rejection('content must be given where the conversation ends with no question; got no message.'),
    )
    const [question, answer] = await converse('one', '1')
    expect(await send(answerOf(id, 'after'))).toMatchObject(
      rejection(
        'content must be given where the conversation ends with no question; got a message of the role ASSISTANT.',
      ),
    )
    expect(await send(answerOf(id, 'user', question?.id))).toMatchObject(
      rejection('replaces must be a reply when neither `content` nor `parts` are given; got USER.'),
    )
    expect(await send(questionOf(id, 'x', { replaces: answer?.id ?? '' }))).toMatchObject(
      rejection('replaces must be a message of the user when `content` or `parts` are given; got ASSISTANT.'),
    )
    const other = (await node.memory.createConversation('eve', {}, 'FAIL')).conversation.id
    const { messages } = await node.memory.appendMessages('eve', other, [userSays('x')])
    for (const replaces of [messages[0]?.id ?? '', `${question?.id}_zzz`, 'nonsense']) {
      expect(await send(questionOf(id, 'y', { replaces }))).toMatchObject([
        { type: 'ReplyRejected', code: 'NOT_FOUND' },
      ])
    }
    expect(await send(questionOf(other, 'z'))).toMatchObject([{ type: 'ReplyRejected', code: 'NOT_FOUND' }])
    expect(await readTexts()).toEqual(['one', '1'])
    expect(model.calls).toHaveLength(1)
    expect(await readActive()).toBeUndefined()
  })

  test('a send that is sent again joins its reply, and is another one when it replaces something else', async () => {
    const { model, node, id } = stage
    const [, old] = await converse('one', '1')
    const stream = await node.replies.send(OWNER, answerOf(id, 'again', old?.id), never)
    const joined = await node.replies.send(OWNER, answerOf(id, 'again', old?.id), never)
    const conflict = await node.replies.send(OWNER, questionOf(id, 'x', { id: 'again' }), never)
    expect(await collect(conflict)).toMatchObject([{ type: 'ReplyRejected', code: 'CLIENT_MESSAGE_ID_CONFLICT' }])
    ;(await model.nextCall()).answer('eins')
    expect(await collect(joined)).toEqual(await collect(stream))
    const late = await collect(await node.replies.send(OWNER, answerOf(id, 'again', old?.id), never))
    expect(late.at(-1)).toMatchObject({ type: 'ReplyCompleted', message: { parts: [{ text: 'eins' }] } })
    expect(await versions(old)).toEqual(['1', 'eins'])
  })

  test('an edit waits in the queue and is then built on the path of that time', async () => {
    const { model, node, id, readTexts } = stage
    const [question] = await converse('one', '1')
    const before = await node.replies.send(OWNER, questionOf(id, 'two'), never)
    const waiting = await node.replies.send(
      OWNER,
      questionOf(id, 'eins', { replaces: question?.id ?? '', onBusy: 'QUEUE' }),
      never,
    )
    ;(await model.nextCall()).answer('2')
    await collect(before)
    const call = await model.nextCall()
    expect(prompt(call.request.messages)).toEqual(['eins'])
    call.answer('I')
    expect((await collect(waiting)).at(-1)).toMatchObject({ type: 'ReplyCompleted' })
    expect(await readTexts()).toEqual(['eins', 'I'])
  })

  test('an answer goes to the path of its question, whichever is looked at by then', async () => {
    const { model, node, id, untilSaved, readTexts } = stage
    const [question] = await converse('one', '1')
    const edited = await node.replies.send(OWNER, questionOf(id, 'eins', { replaces: question?.id ?? '' }), never)
    const call = await model.nextCall()
    call.text('I')
    await untilSaved('I')
    await node.memory.selectVersion(OWNER, question?.id ?? '')
    call.answer('!')
    const ending = (await collect(edited)).at(-1)
    expect(await readTexts()).toEqual(['one', '1'])
    expect(ending).toMatchObject({ type: 'ReplyCompleted', message: { sequence: 2 } })
    await node.memory.selectVersion(OWNER, ending?.type === 'ReplyCompleted' ? ending.message.id : '')
    expect(await readTexts()).toEqual(['eins', 'I!'])
  })

  test('an edit whose node dies before anybody sees it is finished by another, once', async () => {
    const { node, id, startNode, readActive, readTexts } = stage
    const [question] = await converse('one', '1')
    const history = { switchBranch: vi.fn(() => new Promise<never>(() => {})) }
    const dying = startNode({ history }, { leaseMs: 50 })
    void dying.replies.start(OWNER, questionOf(id, 'eins', { replaces: question?.id ?? '' }))
    await vi.waitFor(() => expect(history.switchBranch).toHaveBeenCalled(), 60_000)
    expect(await versions(question)).toEqual(['one'])
    const active = await readActive()
    await expect.poll(async () => (await node.replies.find(OWNER, active?.id ?? ''))?.phase).toBe('ENDED')
    expect(await versions(question)).toEqual(['one', 'eins'])
    expect(await readTexts()).toEqual(['eins'])
  })

  test('another answer whose node dies is stored as far as it was saved, by whoever finds it, once', async () => {
    const { world, model, id, startNode, readPath } = stage
    const [, old] = await converse('one', '1')
    let isAway = false
    const find: ReplyRecords['find'] = (...args) => (isAway ? Promise.reject(away()) : world.records.find(...args))
    const change: ReplyRecords['change'] = (...args) =>
      isAway ? Promise.reject(away()) : world.records.change(...args)
    const dying = startNode({ records: { find, change } }, { leaseMs: 50 })
    const begun = await dying.replies.start(OWNER, answerOf(id, 'again', old?.id))
    if ('type' in begun) throw new Error(begun.detail)
    const call = await model.nextCall()
    call.text('half')
    await expect.poll(async () => (await world.records.find(OWNER, begun.id))?.text).toBe('half')
    isAway = true
    const others = [1, 2, 3].map(() => startNode())
    const finish = () => Promise.all(others.map(({ replies }) => replies.find(OWNER, begun.id)))
    await expect.poll(async () => (await finish()).map((found) => found?.phase)).toContain('ENDED')
    await expect.poll(async () => new Set((await finish()).map((found) => found?.phase))).toEqual(new Set(['ENDED']))
    expect(await versions(old)).toEqual(['1', 'half'])
    expect(await readPath()).toMatchObject([{}, { status: 'INTERRUPTED' }])
    isAway = false
  })

  /** A question and its answer; all messages of the active path then. */
  async function converse(question: string, answer: string): Promise<Message[]> {
    const { model, node, id, readPath } = stage
    const stream = await node.replies.send(OWNER, questionOf(id, question), never)
    ;(await model.nextCall()).answer(answer)
    await collect(stream)
    return readPath()
  }

  async function versions(message: Message | undefined): Promise<string[]> {
    const { node, id } = stage
    const [conversation] = await node.memory.findConversations(OWNER, [id])
    const ids = conversation && message ? versionsAt(conversation, message) : []
    return (await node.memory.findMessages(OWNER, ids)).map((found) => contentOf(found?.parts ?? []))
  }
})

function prompt(messages: readonly unknown[]): unknown[] {
  return messages.map((message) => Object(message).content)
}
