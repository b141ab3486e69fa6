import { expect, inject, test } from 'vitest'
import { toChatMessages } from '../../src/chat/chat-messages.ts'
import { contentOf } from '../../src/memory/message.ts'
import { eventOf, type ModelNode, report, startModelNode } from '../support/model-node.ts'
import { createModelProbe } from '../support/model-probe.ts'
import { OWNER } from '../support/reply-node.ts'

const INSTRUCTIONS = 'Answer in one short sentence.'
const TOLD = 'The code word is PELICAN.'
const ASKED = 'What is the code word?'
const probe = createModelProbe(inject('modelUrl'))

test('what was said in one turn is in the prompt of the next, which is exactly the context of its reply', async () => {
  const node = await startModelNode(INSTRUCTIONS)
  const first = await node.converse(TOLD)
  const said = contentOf(eventOf(first, 'ReplyCompleted').message.parts)

  const second = await node.converse(ASKED)
  const prompt = await givenPrompt(second)
  expect(eventOf(second, 'ReplyStarted').context.messages.map(({ parts }) => contentOf(parts))).toEqual([
    TOLD,
    said,
    ASKED,
  ])
  for (const text of [INSTRUCTIONS, TOLD, said, ASKED]) expect(prompt).toContain(text)
  reportAnswer(second)
})

test('what the budget of the context excludes is not in the prompt, and is again when the budget is larger', async () => {
  const node = await startModelNode(INSTRUCTIONS)
  await appendFactAndChat(node)

  const narrow = await node.converse(ASKED, { maxTokens: 60 })
  const narrowPrompt = await givenPrompt(narrow)
  expect(narrowPrompt).toContain(ASKED)
  expect(narrowPrompt).not.toContain('PELICAN')
  expect(eventOf(narrow, 'ReplyStarted').context.omittedCount).toBeGreaterThan(0)
  reportAnswer(narrow)

  const wide = await node.converse('Once more: what is the code word?')
  expect(await givenPrompt(wide)).toContain(TOLD)
  expect(eventOf(wide, 'ReplyStarted').context).toMatchObject({ omittedCount: 0, cut: 'NONE' })
  reportAnswer(wide)
})

test('a context that is larger than the model takes fails, and a smaller one of the same conversation does not', async () => {
  const node = await startModelNode(INSTRUCTIONS)
  const failed = eventOf(await node.converse('word '.repeat(3_000), { maxTokens: 10_000 }), 'ReplyFailed')
  expect(failed).toMatchObject({ code: 'MODEL_REJECTED', retryable: false })
  expect(failed.detail).not.toContain('127.0.0.1')
  report(`Too large: ${failed.detail}`)

  const smaller = await node.converse('Hello.', { maxTokens: 100 })
  expect(await givenPrompt(smaller)).not.toContain('word')
  eventOf(smaller, 'ReplyCompleted')
})

test('after an edit the prompt has the new words and nothing of what followed the old ones', async () => {
  const node = await startModelNode(INSTRUCTIONS)
  const first = await node.converse(TOLD)
  await node.converse('Thank you.')
  const { question } = eventOf(first, 'ReplyStarted')
  await node.converse('The code word is WALRUS.', { replaces: question.id })

  const asked = await node.converse(ASKED)
  const prompt = await givenPrompt(asked)
  expect(prompt).toContain('WALRUS')
  for (const text of ['PELICAN', 'Thank you.']) expect(prompt).not.toContain(text)
  reportAnswer(asked)
})

test('a reply is made again from the prompt of the first one, and the next turn has the new answer', async () => {
  const node = await startModelNode(INSTRUCTIONS)
  await node.converse(TOLD)
  const first = await node.converse(ASKED)
  const prompt = await givenPrompt(first)
  const old = eventOf(first, 'ReplyCompleted').message
  await node.converse('Thank you.')

  const again = await node.regenerate(old.id)
  expect(await givenPrompt(again)).toBe(prompt)
  const { message } = eventOf(again, 'ReplyCompleted')
  expect(message).toMatchObject({ sequence: old.sequence, tokenStart: old.tokenStart, replyTo: old.replyTo })
  const next = await node.converse('Are you sure?')
  const given = eventOf(next, 'ReplyStarted').context.messages.map(({ id }) => id)
  expect(given).toContain(message.id)
  expect(given).not.toContain(old.id)
  expect(await givenPrompt(next)).not.toContain('Thank you.')
  reportAnswer(again)
})

/** The prompt that the model says it was given; it must be made of the context, and cost what the reply says. */
async function givenPrompt(events: Awaited<ReturnType<ModelNode['converse']>>): Promise<string> {
  const { prompt } = await probe.readSlot()
  const { messages } = eventOf(events, 'ReplyStarted').context
  expect(prompt).toBe(await probe.render([{ role: 'system', content: INSTRUCTIONS }, ...toChatMessages(messages)]))
  const { usage } = eventOf(events, 'ReplyCompleted').message
  expect(usage).toMatchObject({ estimated: false, promptTokens: await probe.countTokens(prompt) })
  return prompt
}

async function appendFactAndChat({ memory, conversationId }: ModelNode): Promise<void> {
  const chat = [
    'OK.',
    'Do you like rain?',
    'Yes, I do.',
    'And snow, in the winter, on the hills?',
    'Snow is nice, too.',
  ]
  const messages = [TOLD, ...chat].map((text, index) => ({
    role: index % 2 === 0 ? ('USER' as const) : ('ASSISTANT' as const),
    parts: [{ type: 'text' as const, text }],
  }))
  await memory.appendMessages(OWNER, conversationId, messages)
}

function reportAnswer(events: Awaited<ReturnType<ModelNode['converse']>>): void {
  const { context, question } = eventOf(events, 'ReplyStarted')
  const answer = contentOf(eventOf(events, 'ReplyCompleted').message.parts)
  report(`${contentOf(question.parts)} (${context.tokenCount} tokens, ${context.omittedCount} omitted) ${answer}`)
}
