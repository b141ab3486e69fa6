import { expect, test } from 'vitest'
import type { ReplyEvent } from '../../src/chat/follow/reply-event.ts'
import { collect, never, OWNER, placeDeltas, questionOf } from '../support/reply-node.ts'
import { useReplyStage } from '../support/reply-stage.ts'

const stage = useReplyStage()

test('thoughts are streamed beside the text, stored as a part of their own, and come again behind any cursor', async () => {
  const { model, id, startNode } = stage
  const node = startNode({ model: { ...model, stream: thinkAndAnswer } })
  const events = await collect(await node.replies.send(OWNER, questionOf(id, 'q'), never))
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
    const rest = await node.replies.subscribe(OWNER, replyId ?? '', cursor, never)
    const all = [...events.slice(0, index + 1), ...(await collect(rest))]
    expect(thoughtsOf(all)).toBe('Six times seven.')
    expect(placeDeltas(all)).toBe('42')
  }
})

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
