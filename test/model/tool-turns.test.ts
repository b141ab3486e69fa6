import { expect, inject, test } from 'vitest'
import { toChatMessages } from '../../src/memory/chat-messages.ts'
import { agentConversation } from '../support/agent-conversation.ts'
import { chatProblems } from '../support/chat-problems.ts'
import { eventOf, report, startModelNode } from '../support/model-node.ts'
import { createModelProbe } from '../support/model-probe.ts'
import { OWNER } from '../support/reply-node.ts'

const INSTRUCTIONS = 'You use tools.'
const probe = createModelProbe(inject('modelUrl'))

/**
 * The template of this model writes every result and leaves the calls out, and its server takes results
 * without calls, too: what a strict server refuses is what `chatProblems` says.
 */
test.each([60, 150, 400])('in a context of %i tokens the model is given the results of tools', async (maxTokens) => {
  const { memory, conversationId, converse } = await startModelNode(INSTRUCTIONS)
  await memory.appendMessages(OWNER, conversationId, agentConversation(2, 150))
  const events = await converse('Go on.', { maxTokens, maxReplyTokens: 4 })
  eventOf(events, 'ReplyCompleted')
  const { context } = eventOf(events, 'ReplyStarted')
  const chat = toChatMessages(context.messages)
  expect(chatProblems(chat)).toEqual([])
  const { prompt } = await probe.readSlot()
  expect(prompt).toBe(await probe.render([{ role: 'system', content: INSTRUCTIONS }, ...chat]))
  const results = chat.flatMap((message) => (message.role === 'tool' ? [message.content] : []))
  for (const result of results) expect(prompt).toContain(`<|im_start|>tool\n${result}<|im_end|>`)
  report(`${context.tokenCount} tokens, ${results.length} results, ${await probe.countTokens(prompt)} tokens of prompt`)
})
