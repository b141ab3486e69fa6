import { expect, test } from 'vitest'
import type { ReplyEvent } from '../../src/chat/follow/reply-event.ts'
import { collect, createReplyNode, OWNER, placeDeltas, questionOf } from '../support/reply-node.ts'
import { openSqliteWorld } from '../support/reply-world.ts'
import { createScriptedModel } from '../support/scripted-model.ts'

test('thoughts are streamed beside the text, stored as a part of their own, and come again behind any cursor', async () => {
  const { node, conversationId, close } = await openNode()
  const events = await collect(
    await node.replies.send(OWNER, questionOf(conversationId, 'q'), new AbortController().signal),
  )
  expect(thoughtsOf(events)).toBe('Six times seven.')
  expect(placeDeltas(events)).toBe('42')
  expect(events.flatMap((event) => (event.type === 'ReplyDelta' ? [event.partIndex] : []))).toContain(1)
  const end = events.at(-1)
  expect(end).toMatchObject({
    type: 'ReplyCompleted',
    message: {
      parts: [
        { type: 'reasoning', text: 'Six times seven.' },
        { type: 'text', text: '42' },
      ],
    },
  })
  for (const [index, { cursor, replyId }] of events.entries()) {
    const rest = await node.replies.subscribe(OWNER, replyId ?? '', cursor, new AbortController().signal)
    const all = [...events.slice(0, index + 1), ...(await collect(rest))]
    expect(thoughtsOf(all)).toBe('Six times seven.')
    expect(placeDeltas(all)).toBe('42')
  }
  await close()
})

async function openNode() {
  const world = await openSqliteWorld()
  const model = createScriptedModel()
  const said = { ...model, stream: thinkAndAnswer }
  const node = createReplyNode(world, said)
  const { conversation } = await node.memory.createConversation(OWNER, {}, 'FAIL')
  const close = async () => {
    await node.stop()
    await world.close()
  }
  return { node, conversationId: conversation.id, close }
}

async function* thinkAndAnswer() {
  yield { type: 'reasoning' as const, text: 'Six times ' }
  yield { type: 'reasoning' as const, text: 'seven.' }
  yield { type: 'text' as const, text: '42' }
  yield { type: 'finish' as const, reason: 'STOP' as const }
}

function thoughtsOf(events: readonly ReplyEvent[]): string {
  return events.reduce((text, event) => {
    return event.type === 'ReplyReasoningDelta' ? text.slice(0, event.offset) + event.text : text
  }, '')
}
