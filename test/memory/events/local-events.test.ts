import { expect, test } from 'vitest'
import { createLocalEvents } from '../../../src/memory/events/local-events.ts'
import { createEventReader, idsOf, NOTHING_LOST } from '../../support/event-reader.ts'
import { describeConversationEvents, SUITE_LIMITS } from './conversation-events-suite.ts'

const LIMITS = { ...SUITE_LIMITS, conversations: 100 }

describeConversationEvents('Local events', async () => {
  const events = createLocalEvents(NOTHING_LOST, LIMITS)
  return { nodes: [events], stop: () => events.close() }
})

test('a cursor from before a restart gives a reset', async () => {
  const before = createEventReader(createLocalEvents(NOTHING_LOST, LIMITS), 'c', 'garbage')
  const [reset] = await before.take(1)
  const after = createEventReader(createLocalEvents(NOTHING_LOST, LIMITS), 'c', reset?.cursor)
  expect(idsOf(await after.take(1))).toEqual(['ConversationReset'])
})

test('a conversation whose log was given up tells on, and resumes to a reset', async () => {
  const events = createLocalEvents(NOTHING_LOST, { ...LIMITS, conversations: 1 })
  const reader = createEventReader(events, 'c')
  await events.publish('c', [{ type: 'ConversationChanged' }])
  createEventReader(events, 'other').abort()
  await events.publish('c', [{ type: 'ReplyBegan', replyId: 'r' }])
  const [first] = await reader.take(2)
  const resumed = createEventReader(events, 'c', first?.cursor)
  expect(idsOf(await resumed.take(1))).toEqual(['ConversationReset'])
})

test('closing ends every stream, and later ones at once', async () => {
  const events = createLocalEvents(NOTHING_LOST, LIMITS)
  const reader = createEventReader(events, 'c')
  await events.close()
  expect(await reader.untilEnd()).toEqual([])
  expect(await createEventReader(events, 'c').untilEnd()).toEqual([])
})
