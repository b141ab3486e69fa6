import { afterEach, describe, expect, test } from 'vitest'
import type { ChatMessage } from '../../src/chat/chat-messages.ts'
import { createOpenAiModel } from '../../src/chat/model/openai-model.ts'
import type { NewMessageInput } from '../generated/graphql.ts'
import { appendMessages, startConversation } from '../support/conversation-operations.ts'
import { answerText, closeServers, startServer } from '../support/openai-scripts.ts'
import { readSent, sendMessage } from '../support/reply-operations.ts'
import { expectStrictChat } from '../support/strict-chat.ts'
import { startTestServer } from '../support/test-server.ts'

afterEach(closeServers)

const RECENT = `query ($id: ID!, $maxTokens: Int!, $anchor: Float!) {
  recentContext(conversationId: $id, maxTokens: $maxTokens, anchor: $anchor) { chatMessages cut }
}`

/** So many words of one token each. */
const words = (count: number) => Array(count).fill('word').join(' ')

/** Older turns, each of about fifty tokens. */
function olderTurns(count: number): NewMessageInput[] {
  return Array.from({ length: count }, (_, index): NewMessageInput[] => [
    { role: 'USER', content: `OLD-${index} ${words(30)}` },
    { role: 'ASSISTANT', content: `old answer ${index} ${words(10)}` },
  ]).flat()
}

/** A question and what a tool gave back in so many rounds, each result of so many tokens. */
function toolTurn(rounds: number, tokens: number, callsARound = 1): NewMessageInput[] {
  const turn = Array.from({ length: rounds }, (_, round): NewMessageInput[] => {
    const ids = Array.from({ length: callsARound }, (_call, place) => `c${round}-${place}`)
    const calls = ids.map((toolCallId) => ({
      toolCall: { toolCallId, toolName: 'read_file', arguments: '{"path":"a.txt"}' },
    }))
    const results = ids.map((toolCallId) => ({
      role: 'TOOL' as const,
      parts: [{ toolResult: { toolCallId, output: `RESULT-${toolCallId} ${words(tokens)}` } }],
    }))
    return [{ role: 'ASSISTANT', parts: calls }, ...results]
  })
  return [{ role: 'USER', content: `QUESTION ${words(20)}` }, ...turn.flat()]
}

describe('the question of the newest turn is sent with all that answers it, where that fits, whatever the anchor cuts', () => {
  test.each<[string, NewMessageInput[], { anchor?: number; budget?: number }, string[]]>([
    ['one large result', [...olderTurns(3), ...toolTurn(1, 2_890)], {}, ['RESULT-c0-0']],
    ['six rounds', [...olderTurns(12), ...toolTurn(6, 425)], {}, ['RESULT-c0-0', 'RESULT-c5-0']],
    ['many small rounds', [...olderTurns(12), ...toolTurn(40, 35)], {}, ['RESULT-c0-0', 'RESULT-c39-0']],
    ['parallel calls', [...olderTurns(12), ...toolTurn(2, 400, 3)], {}, ['RESULT-c0-0', 'RESULT-c1-2']],
    [
      'the largest step',
      [...olderTurns(12), ...toolTurn(4, 500)],
      { anchor: 0.5, budget: 2_600 },
      ['RESULT-c0-0', 'RESULT-c3-0'],
    ],
    [
      'an odd step',
      [...olderTurns(12), ...toolTurn(4, 500)],
      { anchor: 0.3, budget: 2_600 },
      ['RESULT-c0-0', 'RESULT-c3-0'],
    ],
    ['no step', [...olderTurns(12), ...toolTurn(4, 500)], { anchor: 0 }, ['RESULT-c0-0', 'RESULT-c3-0']],
    [
      'words of the model beside its calls',
      [
        ...olderTurns(12),
        ...toolTurn(2, 600),
        { role: 'ASSISTANT', content: 'So far so good.' },
        ...toolTurn(2, 600).slice(1),
      ],
      {},
      ['RESULT-c0-0', 'So far so good.', 'RESULT-c1-0'],
    ],
  ])('%s', async (_, messages, { budget = 3_000, ...more }, wanted) => {
    const sent = await promptOf(messages, { maxContextTokens: budget, ...more })
    expect(sent.messages.filter(({ role }) => role === 'user').at(-1)?.content).toContain('QUESTION')
    for (const text of wanted) expect(JSON.stringify(sent.messages)).toContain(text)
    expectStrictChat(sent.messages)
    const context = { maxTokens: budget, anchor: 0.25, ...more }
    const { chatMessages } = await sent.readContext(context)
    expect(JSON.stringify(chatMessages)).toContain('QUESTION')
  })
})

test('where the newest turn leaves no room for older ones the anchor is what cut them', async () => {
  const sent = await promptOf([...olderTurns(3), ...toolTurn(1, 2_890)], { maxContextTokens: 3_000 })
  expect(JSON.stringify(sent.messages)).not.toContain('OLD')
  expect(await sent.readContext({ maxTokens: 3_000, anchor: 0.25 })).toMatchObject({ cut: 'ANCHOR' })
})

test.each<[string, NewMessageInput[]]>([
  ['a result', toolTurn(1, 5_000)],
  ['a result behind older turns', [...olderTurns(12), ...toolTurn(1, 5_000)]],
  ['the last of several rounds', [...toolTurn(3, 400), ...toolTurn(1, 5_000).slice(1)]],
])('%s that does not fit with its call is refused, and so much budget as is named is enough', async (_, messages) => {
  const input = { maxContextTokens: 3_000 }
  const sent = await promptOf(messages, input)
  expect(sent.end).toMatchObject({ __typename: 'ReplyRejected', code: 'BAD_USER_INPUT' })
  const needed = Number(/(\d+) tokens/.exec(sent.detail)?.[1])
  expect(needed).toBeGreaterThan(5_000)
  expect(needed).toBeLessThan(5_100)
  expect((await sent.send({ maxContextTokens: needed - 1 })).end).toMatchObject({ __typename: 'ReplyRejected' })
  const again = await sent.send({ maxContextTokens: needed })
  expect(again.end).toMatchObject({ __typename: 'ReplyCompleted' })
  expect(JSON.stringify(again.messages)).toContain('RESULT')
})

test('names of tools that APIs refuse are written otherwise, and those that the request describes are not', async () => {
  const names = ['web.run', 'web/run', 'mcp:server:tool', 'n'.repeat(128), 'ünïcode', 'two words', 'plain-name_1']
  const calls = names.map((toolName, index) => ({
    toolCall: { toolCallId: `c${index}`, toolName, arguments: '{}' },
  }))
  const results = names.map((_, index) => ({
    role: 'TOOL' as const,
    parts: [{ toolResult: { toolCallId: `c${index}`, output: `result ${index}` } }],
  }))
  const turn: NewMessageInput[] = [{ role: 'USER', content: 'q' }, { role: 'ASSISTANT', parts: calls }, ...results]
  const sent = await promptOf(turn, {})
  expectStrictChat(sent.messages)
  expect(sent.messages.filter(({ role }) => role === 'tool').map(({ content }) => content)).toEqual(
    names.map((_, index) => `result ${index}`),
  )
  expect(namesIn(sent.messages)).toEqual([
    'web_run',
    'web_run',
    'mcp_server_tool',
    'n'.repeat(64),
    '_n_code',
    'two_words',
    'plain-name_1',
  ])
  const tools = ['web.run', 'mcp:server:tool'].map((name) => ({ type: 'function', function: { name } }))
  const described = await promptOf(turn, { modelOptions: { tools } })
  expect(namesIn(described.messages).slice(0, 3)).toEqual(['web.run', 'web_run', 'mcp:server:tool'])
})

test('what says nothing as text leaves no empty message, and what stands around it stays', async () => {
  const sent = await promptOf(
    [
      { role: 'USER', content: 'q' },
      { role: 'ASSISTANT', parts: [{ reasoning: { text: 'Hm' } }] },
      { role: 'ASSISTANT', content: 'a' },
      { role: 'USER', parts: [{ data: { name: 'image', data: { pointer: 'x' } } }] },
      { role: 'ASSISTANT', content: 'A cat.' },
      { role: 'USER', content: '   ' },
      { role: 'ASSISTANT', parts: [{ text: { text: '\n' } }, { data: { name: 'chart', data: [1] } }] },
      { role: 'SYSTEM', content: ' \t' },
      { role: 'ASSISTANT', content: 'b' },
    ],
    { content: 'And?' },
  )
  expectStrictChat(sent.messages)
  expect(sent.messages.map(({ content }) => content)).toEqual(['q', 'a', 'A cat.', 'b', 'And?'])
  const { chatMessages } = await sent.readContext({ maxTokens: 3_000, anchor: 0 })
  expectStrictChat(chatMessages)
})

function namesIn(messages: readonly ChatMessage[]): string[] {
  return messages.flatMap((message) =>
    message.role === 'assistant' ? (message.tool_calls ?? []).map((call) => call.function.name) : [],
  )
}

/** What a model is sent of a new conversation with these messages. */
async function promptOf(messages: readonly NewMessageInput[], input: object) {
  const model = await startServer(answerText('Done.'))
  const { client } = await startTestServer(undefined, { model: createOpenAiModel({ baseUrl: model.url, model: 'm' }) })
  const id = await startConversation(client)
  for (let from = 0; from < messages.length; from += 100) {
    const batch = messages.slice(from, from + 100)
    const { appendMessages: result } = await client.get(appendMessages, {
      input: { conversationId: id, messages: batch },
    })
    if (result.__typename !== 'AppendMessagesSuccess') throw new Error(JSON.stringify(result))
  }
  async function send(more: object) {
    const asked = { conversationId: id, clientMessageId: crypto.randomUUID(), ...more }
    const events = await readSent(client.streamBySse(sendMessage, { input: asked }))
    const end = events.at(-1)
    const detail = end && 'detail' in end ? end.detail : ''
    return { end, detail, messages: (model.calls.at(-1)?.body.messages ?? []) as ChatMessage[] }
  }
  async function readContext(variables: object) {
    const { data } = await client.post({ query: RECENT, variables: { id, ...variables } })
    return (data as { recentContext: { chatMessages: ChatMessage[]; cut: string } }).recentContext
  }
  return { ...(await send(input)), send, readContext }
}
