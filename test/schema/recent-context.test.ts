import { expect, test } from 'vitest'
import { HistoryUnavailableError } from '../../src/errors.ts'
import { graphql } from '../generated/gql.ts'
import { appendMessages, appendTexts, startConversation } from '../support/conversation-operations.ts'
import { startTestServer } from '../support/test-server.ts'

const recentContext = graphql(`
  query RecentContext(
    $conversationId: ID!
    $maxTokens: Int
    $startOn: ContextStart
    $anchor: Float
    $consistency: Consistency
  ) {
    recentContext(
      conversationId: $conversationId
      maxTokens: $maxTokens
      startOn: $startOn
      anchor: $anchor
      consistency: $consistency
    ) {
      tokenCount
      maxTokens
      tokensExact
      omittedCount
      omittedTokens
      cut
      source
      chatMessages
      messages { sequence content }
      conversation { id title }
    }
  }
`)

const contextOfConversation = graphql(`
  query ContextOfConversation($id: ID!) {
    conversation(id: $id) {
      recentContext { messages { content } }
      small: recentContext(maxTokens: 5) { cut messages { content } }
    }
  }
`)

test('a context holds the newest messages that fit and reports what it left out', async () => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client, { title: 'Numbers' })
  await appendTexts(client, conversationId, 'one', 'two', 'three')
  const { recentContext: context } = await client.get(recentContext, { conversationId, maxTokens: 12 })
  expect(context).toMatchObject({
    messages: [
      { sequence: 2, content: 'two' },
      { sequence: 3, content: 'three' },
    ],
    chatMessages: [
      { role: 'assistant', content: 'two' },
      { role: 'user', content: 'three' },
    ],
    maxTokens: 12,
    omittedCount: 1,
    cut: 'BUDGET',
    conversation: { id: conversationId, title: 'Numbers' },
  })
  expect(context.tokenCount).toBeLessThanOrEqual(12)
})

test('without arguments a context takes 3,000 tokens from any message on', async () => {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  await appendTexts(client, id, 'one', 'two')
  const { conversation } = await client.get(contextOfConversation, { id })
  expect(conversation?.recentContext.messages).toEqual([{ content: 'one' }, { content: 'two' }])
  expect(conversation?.small).toEqual({ cut: 'BUDGET', messages: [{ content: 'two' }] })
})

test('a context can begin with a message of the user', async () => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client)
  await appendTexts(client, conversationId, 'one', 'two', 'three')
  const { recentContext: context } = await client.get(recentContext, { conversationId, maxTokens: 12, startOn: 'USER' })
  expect(context).toMatchObject({ cut: 'TURN', messages: [{ content: 'three' }] })
})

test('twenty contexts of one request are one read', async () => {
  const calls: number[] = []
  const { client } = await startTestServer((memory) => ({
    readContexts: (requests) => {
      calls.push(requests.length)
      return memory.readContexts(requests)
    },
  }))
  const id = await startConversation(client)
  const aliases = Array.from(
    { length: 10 },
    (_, index) => `a${index}: recentContext(conversationId: $id) { tokenCount }`,
  )
  const nested = aliases.map((_, index) => `c${index}: conversation(id: $id) { recentContext(maxTokens: 9) { cut } }`)
  const query = `query ($id: ID!) { ${[...aliases, ...nested].join('\n')} }`
  const { errors } = await client.post({ query, variables: { id } })
  expect(errors).toBeUndefined()
  expect(calls.reduce((sum, size) => sum + size)).toBe(20)
  expect(calls.length).toBeLessThanOrEqual(2)

  calls.length = 0
  const twenty = Array.from(
    { length: 20 },
    (_, index) => `a${index}: recentContext(conversationId: $id) { tokenCount }`,
  )
  await client.post({ query: `query ($id: ID!) { ${twenty.join('\n')} }`, variables: { id } })
  expect(calls).toEqual([20])
})

test('one bad context leaves the others of the request intact', async () => {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  const query = `query ($id: ID!) {
    conversation(id: $id) { id }
    good: conversation(id: $id) { recentContext { cut } }
    bad: conversation(id: $id) { recentContext(maxTokens: 0) { cut } }
  }`
  const { data, errors } = await client.post({ query, variables: { id } })
  expect(data).toEqual({ conversation: { id }, good: { recentContext: { cut: 'NONE' } }, bad: null })
  expect(errors).toMatchObject([
    { path: ['bad', 'recentContext'], extensions: { code: 'BAD_USER_INPUT', field: 'maxTokens' } },
  ])
})

test('the id of the conversation of a context costs no read', async () => {
  const { client } = await startTestServer(() => ({
    findConversations: () => Promise.reject(new Error('read')),
  }))
  const id = await startConversation(client)
  const query = 'query ($id: ID!) { recentContext(conversationId: $id) { conversation { __typename id } } }'
  const { data } = await client.post({ query, variables: { id } })
  expect(data).toEqual({ recentContext: { conversation: { __typename: 'Conversation', id } } })
})

test('a conversation that is not there is NOT_FOUND', async () => {
  const { client } = await startTestServer()
  const { errors } = await client.execute(recentContext, { conversationId: 'conv_nothing' })
  expect(errors).toMatchObject([{ message: 'No conversation "conv_nothing".', extensions: { code: 'NOT_FOUND' } }])
})

test.each([
  ['maxTokens', { maxTokens: 200_001 }],
  ['maxTokens', { maxTokens: -1 }],
  ['anchor', { anchor: 0.6 }],
])('%s out of its range is BAD_USER_INPUT (%#)', async (field, input) => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client)
  const { errors } = await client.execute(recentContext, { conversationId, ...input })
  expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', field } }])
})

test('while the history is away a read may be asked again, and the log says why', async () => {
  const { client, log } = await startTestServer(() => ({
    readContexts: async (requests) => requests.map(() => new HistoryUnavailableError(new Error('mongodb://secret'))),
  }))
  const answer = await client.execute(recentContext, { conversationId: 'conv_any' })
  expect(answer.errors).toMatchObject([{ extensions: { code: 'HISTORY_UNAVAILABLE', retryable: true } }])
  expect(JSON.stringify(answer)).not.toContain('secret')
  expect(log.entries).toMatchObject([{ level: 'warn', fields: { err: { cause: { message: 'mongodb://secret' } } } }])
})

test('chat messages are made once, whatever the aliases that show them', async () => {
  let reads = 0
  const { client } = await startTestServer((memory) => ({
    async readContexts(requests) {
      const contexts = await memory.readContexts(requests)
      return contexts.map((context) => {
        if (context instanceof Error) return context
        const messages = context.messages.map(({ parts, ...message }) => ({
          ...message,
          get parts() {
            reads += 1
            return parts
          },
        }))
        return { ...context, messages }
      })
    },
  }))
  const id = await startConversation(client)
  await appendTexts(client, id, 'one')
  const counts: number[] = []
  for (const fields of ['chatMessages', 'chatMessages a: chatMessages b: chatMessages']) {
    reads = 0
    const { data } = await client.post({ query: `{ recentContext(conversationId: "${id}") { ${fields} } }` })
    expect(JSON.stringify(data)).toContain('"content":"one"')
    counts.push(reads)
  }
  expect(counts[0]).toBeGreaterThan(0)
  expect(counts[1]).toBe(counts[0])
})

test('a window of few tokens and many characters is refused before all of it is read', async () => {
  const { memory, client, history } = await startTestServer()
  const id = await startConversation(client)
  const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, key) => [`k${key}`, 'x'.repeat(512)]))
  const messages = Array.from({ length: 1_000 }, () => ({
    role: 'USER' as const,
    parts: [{ type: 'text' as const, text: 'x' }],
    metadata,
  }))
  for (let batch = 0; batch < 3; batch += 1) await memory.appendMessages('local', id, messages)
  history.resetCounts()
  const { errors } = await client.post({
    query: `{ recentContext(conversationId: "${id}", maxTokens: 200000) { messages { id } } }`,
  })
  expect(errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }])
  expect(history.messagesRead).toBe(0)
  const small = await client.post({
    query: `{ recentContext(conversationId: "${id}", maxTokens: 5000) { messages { id } } }`,
  })
  expect(small.errors).toBeUndefined()
  // Those that share a read each get the answer to what they asked themselves.
  const budgets = [5_000, 200_000, 6_000, 5_000]
  history.resetCounts()
  const shared = await Promise.all(
    budgets.map((maxTokens) =>
      memory.readContexts([
        { ownerId: 'local', conversationId: id, maxTokens, anchor: 0, startOn: 'ANY', consistency: 'STRONG' },
      ]),
    ),
  )
  expect(shared.flat().map((context) => (context instanceof Error ? context.name : context.tokenCount))).toEqual([
    5_000,
    'QueryTooComplexError',
    6_000,
    5_000,
  ])
  expect(history.calls.filter((call) => call === 'readTokenRange')).toHaveLength(3)
})

test('tool results are messages of their own for a chat completions API', async () => {
  const { client } = await startTestServer()
  const conversationId = await startConversation(client)
  const calls = ['c1', 'c2'].map((toolCallId) => ({ toolCall: { toolCallId, toolName: 'add', arguments: '{}' } }))
  const results = ['c1', 'c2'].map((toolCallId) => ({ toolResult: { toolCallId, output: toolCallId } }))
  const messages = [
    { role: 'ASSISTANT' as const, parts: calls },
    { role: 'TOOL' as const, parts: results },
  ]
  await client.get(appendMessages, { input: { conversationId, messages } })
  const { recentContext: context } = await client.get(recentContext, { conversationId })
  expect(context.messages).toHaveLength(2)
  expect(context.chatMessages).toMatchObject([
    { role: 'assistant', content: null },
    { role: 'tool', tool_call_id: 'c1' },
    { role: 'tool', tool_call_id: 'c2' },
  ])
})
