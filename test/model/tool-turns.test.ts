import { expect, inject, test } from 'vitest'
import { toChatMessages } from '../../src/chat/chat-messages.ts'
import type { ToolCallPart } from '../../src/memory/message.ts'
import { agentConversation } from '../support/agent-conversation.ts'
import { chatProblems } from '../support/chat-problems.ts'
import { eventOf, report, startModelNode } from '../support/model-node.ts'
import { createModelProbe } from '../support/model-probe.ts'
import { OWNER } from '../support/reply-node.ts'

const INSTRUCTIONS = 'You use tools.'
const probe = createModelProbe(inject('modelUrl'))

test.each([60, 150, 400])(
  'in a context of %i tokens the model is given calls, and results behind them',
  async (maxTokens) => {
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
    expect(prompt.split('<tool_call>')).toHaveLength(results.length + 1)
    report(
      `${context.tokenCount} tokens, ${results.length} results, ${await probe.countTokens(prompt)} tokens of prompt`,
    )
  },
)

test('calls that the server refuses, with broken arguments and without results, do not end a conversation', async () => {
  const { memory, conversationId, converse } = await startModelNode(INSTRUCTIONS)
  const calls = ['', '{"path":'].map((text, place): ToolCallPart => {
    return { type: 'toolCall', toolCallId: `call_${place}`, toolName: 'read_file', arguments: text }
  })
  await memory.appendMessages(OWNER, conversationId, [{ role: 'ASSISTANT', parts: calls }])
  eventOf(await converse('Go on.', { maxReplyTokens: 4 }), 'ReplyCompleted')
  expect((await probe.readSlot()).prompt).toContain('[no result]')
  for (const { toolCallId: id, toolName: name, arguments: text } of calls) {
    const called = (argumentsText: string) => [
      { role: 'assistant', tool_calls: [{ id, type: 'function', function: { name, arguments: argumentsText } }] },
    ]
    const broken = [...called(text), { role: 'tool', tool_call_id: id, content: '' }]
    await expect(probe.render(broken)).rejects.toThrow('Failed to parse tool call arguments')
    await expect(probe.render(called('{}'))).rejects.toThrow('assistant message that contains tool calls')
  }
})
