import { expect, inject, test } from 'vitest'
import { toChatMessages } from '../../src/chat/chat-messages.ts'
import { contentOf } from '../../src/memory/message.ts'
import { eventOf, report, startModelNode } from '../support/model-node.ts'
import { createModelProbe } from '../support/model-probe.ts'
import { OWNER, placeDeltas } from '../support/reply-node.ts'

const INSTRUCTIONS = 'You like to talk.'
const probe = createModelProbe(inject('modelUrl'))

test('the placed deltas are the stored text, and text and usage are those that the model gives without us', async () => {
  const { memory, converse } = await startModelNode(INSTRUCTIONS)
  const events = await converse('Tell me of the sea.', { maxReplyTokens: 60 })
  const { message } = eventOf(events, 'ReplyCompleted')
  const [stored] = await memory.findMessages(OWNER, [message.id])
  const text = placeDeltas(events)
  expect(stored && contentOf(stored.parts)).toBe(text)
  expect((await probe.readSlot()).generated).toBe(text)
  expect(events.filter(({ type }) => type === 'ReplyDelta').length).toBeGreaterThan(1)

  const { context } = eventOf(events, 'ReplyStarted')
  const prompt = [{ role: 'system', content: INSTRUCTIONS }, ...toChatMessages(context.messages)]
  const direct = await probe.complete(prompt, { max_tokens: 60 })
  const { promptTokens, completionTokens } = direct
  expect(text).toBe(direct.text)
  expect(stored?.usage).toMatchObject({ promptTokens, completionTokens, estimated: false })
  expect(stored?.finishReason).toBe(direct.finishReason.toUpperCase())
  report(`${promptTokens} tokens of prompt, ${completionTokens} of the answer: ${text}`)
})

test('characters of several tokens each arrive, and are stored, whole', async () => {
  const { converse } = await startModelNode(INSTRUCTIONS)
  const text = 'Grüße 👋🏽 世界 🏳️‍🌈 \u{1d11e}'
  const events = await converse('Hello.', { modelOptions: { grammar: `root ::= ${JSON.stringify(text)}` } })
  expect(placeDeltas(events)).toBe(text)
  const { message } = eventOf(events, 'ReplyCompleted')
  expect(contentOf(message.parts)).toBe(text)
  // Or no character would have been split.
  expect(message.usage?.completionTokens).toBeGreaterThan([...text].length)
  for (const event of events) if (event.type === 'ReplyDelta') expect(event.text.isWellFormed()).toBe(true)
})

test('an answer that reaches maxReplyTokens is complete, with the finish reason LENGTH', async () => {
  const { converse } = await startModelNode(INSTRUCTIONS)
  const events = await converse('Tell me of the sea.', { maxReplyTokens: 8, modelOptions: { ignore_eos: true } })
  expect(eventOf(events, 'ReplyCompleted').message).toMatchObject({
    status: 'COMPLETE',
    finishReason: 'LENGTH',
    usage: { completionTokens: 8, estimated: false },
  })
})
