import { expect, test } from 'vitest'
import type { NewMessage } from '../../src/memory/message.ts'
import { createEventLookups } from '../../src/schema/conversation/event-lookups.ts'
import { followConversation } from '../../src/schema/conversation/follow-conversation.ts'
import type { FollowedEvent } from '../../src/schema/conversation/followed-event.ts'
import { startMemoryNode } from '../support/memory-node.ts'
import { OWNER, readContext, startConversation, textOf } from '../support/stored-conversation.ts'

test('what was stored on a path that was left meanwhile is published to nobody as new on the active one', async () => {
  let selectOther = async () => {}
  const node = await startMemoryNode({
    change: (history) => ({
      async insertMessages(messages) {
        await selectOther()
        return history.insertMessages(messages)
      },
    }),
  })
  const { memory } = node
  const id = await startConversation(node)
  const [one] = (await memory.appendMessages(OWNER, id, [says('one'), says('1')])).messages
  await memory.appendMessages(OWNER, id, [says('eins')], one?.id)
  await node.settle()
  const { signal } = new AbortController()
  const lookups = createEventLookups({ memory, findReply: async () => undefined })
  const events = (await followConversation({ memory, lookups }, OWNER, id, undefined, signal))[Symbol.asyncIterator]()
  expect((await events.next()).value).toMatchObject({ type: 'ConversationHeartbeat' })
  selectOther = async () => {
    selectOther = async () => {}
    await memory.selectVersion(OWNER, one?.id ?? '')
    await node.settle()
  }
  await memory.appendMessages(OWNER, id, [says('I')])
  await memory.appendMessages(OWNER, id, [says('2')])
  expect([await next(events), await next(events)]).toEqual(['BranchSelected one', 'MessageAppended 2'])
})

test.each([
  { stored: 'one', count: 1, lateMs: 0 },
  { stored: 'both', count: 2, lateMs: 0 },
  { stored: 'both long ago', count: 2, lateMs: 30_000 },
])('an edit of two messages of which its twin has stored $stored is one version, whole', async ({ count, lateMs }) => {
  let sendTwin = async () => {}
  let late = 0
  const node = await startMemoryNode({
    now: () => Date.now() + late,
    change: (history) => ({
      async findByIdempotencyKeys(...args) {
        const found = await history.findByIdempotencyKeys(...args)
        await sendTwin()
        return found
      },
    }),
  })
  const { memory } = node
  const id = await startConversation(node)
  const [one] = (await memory.appendMessages(OWNER, id, [says('one'), says('1')])).messages
  const edit = ['eins', 'I'].map((text) => ({ ...says(text), clientMessageId: text }))
  sendTwin = async () => {
    sendTwin = async () => {}
    await memory.appendMessages(OWNER, id, edit.slice(0, count), one?.id)
    late = lateMs
  }
  const { messages } = await memory.appendMessages(OWNER, id, edit, one?.id)
  const [conversation] = await memory.findConversations(OWNER, [id])
  expect(conversation?.branches).toMatchObject([{ id: messages[0]?.branch }])
  expect((await readContext(node, id, 1_000)).messages).toEqual(messages)
  expect(messages.map(textOf)).toEqual(['eins', 'I'])
})

async function next(events: AsyncIterator<FollowedEvent>): Promise<string> {
  const { value } = await events.next()
  return `${value.type} ${textOf(value.message)}`
}

function says(text: string): NewMessage {
  return { role: 'USER', parts: [{ type: 'text', text }] }
}
