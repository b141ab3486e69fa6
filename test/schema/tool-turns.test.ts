import { afterEach, expect, test } from 'vitest'
import { createOpenAiModel } from '../../src/chat/model/openai-model.ts'
import { chatProblems } from '../support/chat-problems.ts'
import { appendMessages, startConversation } from '../support/conversation-operations.ts'
import {
  answerText,
  answerWith,
  closeServers,
  deltaChunk,
  finishChunk,
  type Script,
  startServer,
  textChunk,
} from '../support/openai-scripts.ts'
import { questionInput, readSent, sendMessage } from '../support/reply-operations.ts'
import { startTestServer } from '../support/test-server.ts'

afterEach(closeServers)

const CALLS = [
  { toolCallId: 'call_0', toolName: 'weather', arguments: '{"city":"Paris"}' },
  { toolCallId: 'call_1', toolName: 'weather', arguments: '{"city":"Oslo"}' },
]
const USAGE = { prompt_tokens: 90, completion_tokens: 30, prompt_tokens_details: { cached_tokens: 64 } }
const recent = `query ($id: ID!) {
  recentContext(conversationId: $id) {
    chatMessages
    messages { role content finishReason usage { promptTokens completionTokens cachedPromptTokens estimated } }
  }
}`

/** Text and two calls without ids, in pieces that interleave, as a server streams them. */
const callTools = answerWith(
  textChunk('Let me '),
  textChunk('see.'),
  deltaChunk({ tool_calls: [{ index: 0, function: { name: 'weather', arguments: '' } }] }),
  deltaChunk({ tool_calls: [{ index: 1, function: { name: 'weather', arguments: '{"city":' } }] }),
  deltaChunk({ tool_calls: [{ index: 0, function: { arguments: '{"city":"Paris"}' } }] }),
  deltaChunk({ tool_calls: [{ index: 1, function: { arguments: '"Oslo"}' } }] }),
  finishChunk('tool_calls'),
  { choices: [], usage: USAGE },
  '[DONE]',
)

test('text and tool calls that a server streams become events of whole parts, stored, and sent with their results', async () => {
  const { client, id, model, readContext } = await startChat(callTools, answerText('Rain, and snow.'))
  const events = await readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'How is the weather?') }))
  const parts = events.filter(({ __typename }) => __typename === 'ReplyPart')
  expect(parts).toMatchObject(
    CALLS.map((part, index) => ({ partIndex: index + 1, part: { ...part, __typename: 'ToolCallPart' } })),
  )
  expect(events.at(-1)).toMatchObject({
    __typename: 'ReplyCompleted',
    message: { content: 'Let me see.', finishReason: 'TOOL_CALLS' },
  })
  const asked = await readContext()
  expect(asked.messages[1]).toMatchObject({
    finishReason: 'TOOL_CALLS',
    usage: { promptTokens: 90, completionTokens: 30, cachedPromptTokens: 64, estimated: false },
  })
  expect(asked.chatMessages.slice(1)).toEqual(chatTurn('[no result]', '[no result]'))

  const results = [resultOf('call_1', 'snow'), resultOf('call_0', 'rain')]
  await client.get(appendMessages, { input: { conversationId: id, messages: results } })
  await readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'And?') }))
  const { messages: sent } = model.calls[1]?.body ?? {}
  expect(sent).toEqual([
    { role: 'user', content: 'How is the weather?' },
    ...chatTurn('rain', 'snow'),
    { role: 'user', content: 'And?' },
  ])
  expect(chatProblems(sent)).toEqual([])
})

test('the turns of a conversation share a cache key, and an anchored prompt goes on where the one before it ended', async () => {
  const turns = 24
  const anchored = await promptsOf(turns, 0.25)
  const keys = anchored.map(({ prompt_cache_key }) => prompt_cache_key)
  expect(new Set(keys).size).toBe(1)
  expect(keys[0]).toEqual(expect.stringContaining('conv_'))
  // A turn is about a tenth of the budget, so a quarter of it lasts for two at least.
  expect(countGoingOn(anchored)).toBeGreaterThanOrEqual(turns / 2)
  expect(countGoingOn(await promptsOf(turns, 0))).toBeLessThan(turns / 2)
})

/** The bodies of the calls of a conversation that is soon longer than its budget. */
async function promptsOf(turns: number, anchor: number) {
  const { client, id, model } = await startChat(answerText('A short answer of a few words.'))
  for (let turn = 0; turn < turns; turn += 1) {
    const input = questionInput(id, `Question ${turn}?`, { maxContextTokens: 200, anchor })
    await readSent(client.streamBySse(sendMessage, { input }))
  }
  return model.calls.map(({ body }) => body)
}

/** How many prompts begin with the whole prompt before them, as the cache of a provider needs it. */
function countGoingOn(bodies: readonly Record<string, unknown>[]): number {
  const prompts = bodies.map(({ messages }) => JSON.stringify(messages).slice(0, -1))
  return prompts.filter((prompt, index) => prompt.startsWith(prompts[index - 1] ?? '-')).length
}

function chatTurn(first: string, second: string) {
  return [
    {
      role: 'assistant',
      content: 'Let me see.',
      tool_calls: CALLS.map((part) => ({
        id: part.toolCallId,
        type: 'function',
        function: { name: part.toolName, arguments: part.arguments },
      })),
    },
    { role: 'tool', tool_call_id: 'call_0', content: first },
    { role: 'tool', tool_call_id: 'call_1', content: second },
  ]
}

function resultOf(toolCallId: string, output: string) {
  return { role: 'TOOL' as const, parts: [{ toolResult: { toolCallId, output } }] }
}

/** A server whose model is behind the API that these scripts play. */
async function startChat(...scripts: Script[]) {
  const model = await startServer(...scripts)
  const server = await startTestServer(undefined, { model: createOpenAiModel({ baseUrl: model.url, model: 'm' }) })
  const { client } = server
  const id = await startConversation(client)
  const readContext = async () => {
    const { data } = await client.post({ query: recent, variables: { id } })
    return (data as { recentContext: { chatMessages: object[]; messages: object[] } }).recentContext
  }
  return { client, id, model, readContext }
}
