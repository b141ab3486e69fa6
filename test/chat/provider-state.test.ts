import { afterEach, expect, test } from 'vitest'
import type { ChatMessage } from '../../src/chat/chat-messages.ts'
import { createOpenAiModel } from '../../src/chat/model/openai-model.ts'
import { startConversation } from '../support/conversation-operations.ts'
import {
  answerText,
  answerWith,
  closeServers,
  deltaChunk,
  finishChunk,
  startServer,
} from '../support/openai-scripts.ts'
import { questionInput, readSent, sendMessage } from '../support/reply-operations.ts'
import { startTestServer } from '../support/test-server.ts'
import { createDirectory, startTransferMemory, transferStoresOf } from '../support/transfer-stores.ts'

afterEach(closeServers)

/** Nothing of it is ours to read: nested, empty and odd values come back as they came. */
const SIGNATURE = { google: { thought_signature: 'c2ln/+==', '$a.b': [null, '', { deep: ['é\u2028"\\'] }], n: -1.5 } }
const DETAILS = [
  { type: 'reasoning.text', text: 'Look it ', index: 0, format: 'x' },
  { type: 'reasoning.text', text: 'up.', index: 0, format: 'x', signature: null },
  { type: 'reasoning.encrypted', data: 'ZW5j+/==', id: 'r1', index: 1 },
]
const UPDATE = `mutation ($input: UpdateConversationInput!) { updateConversation(input: $input) { __typename } }`
const APPEND = `mutation ($input: AppendMessagesInput!) { appendMessages(input: $input) { __typename } }`
const SELECT = `mutation ($id: ID!) { selectVersion(messageId: $id) { __typename } }`
const READ = `query ($id: ID!) { conversation(id: $id) { messages(first: 100) { nodes {
  id role model tokenCount parts { providerMetadata } } } } }`

/** A thought with its details, and a call with its signature; the marks tell one answer from another. */
const thinkAndCall = (mark: string) =>
  answerWith(
    deltaChunk({ reasoning_content: `Think ${mark}.`, reasoning_details: DETAILS.slice(0, 2) }),
    deltaChunk({ reasoning_details: DETAILS.slice(2) }),
    deltaChunk({
      tool_calls: [
        {
          index: 0,
          id: `call_${mark}`,
          extra_content: SIGNATURE,
          function: { name: 'look', arguments: `{"at":"${mark}"}` },
        },
      ],
    }),
    finishChunk('tool_calls'),
    '[DONE]',
  )

test('what a provider wants back goes back as it came, to the model that gave it and to no other', async () => {
  const chat = await startChat(thinkAndCall('a'), answerText('Done.'))
  await chat.send({ content: 'Where?' })
  await chat.append('call_a', 'here')
  await chat.send({})
  chat.expectState('a')
  await chat.send({ content: 'And with another model?', model: 'other' })
  chat.expectNoState()
  await chat.send({ content: 'And back?', model: 'm' })
  chat.expectState('a')
})

test('a change of the conversation’s model leaves it out until it is changed back, and no other change does', async () => {
  const chat = await startChat(thinkAndCall('a'), answerText('Done.'))
  await chat.send({ content: 'Where?' })
  await chat.append('call_a', 'here')
  await chat.update({ title: 'Another title', metadata: { team: 'blue' }, instructions: 'Be brief.' })
  await chat.send({ modelOptions: { temperature: 0.5 }, maxReplyTokens: 100 })
  chat.expectState('a')
  await chat.update({ model: 'other' })
  await chat.send({ content: 'And now?' })
  chat.expectNoState()
  await chat.update({ model: null })
  await chat.send({ content: 'And now?' })
  chat.expectState('a')
})

test('each version has what came with it', async () => {
  const chat = await startChat(thinkAndCall('a'), thinkAndCall('b'), answerText('Done.'))
  await chat.send({ content: 'Where?' })
  const [, first] = await chat.messages()
  await chat.send({ replaces: first?.id })
  await chat.append('call_b', 'there')
  await chat.send({})
  chat.expectState('b')
  expect(JSON.stringify(chat.asked())).not.toContain('call_a')
  await chat.ask(SELECT, { id: first?.id })
  await chat.append('call_a', 'here')
  await chat.send({})
  chat.expectState('a')
  expect(JSON.stringify(chat.asked())).not.toContain('call_b')
})

test('it costs tokens, and an export takes it along with the model that it is for', async () => {
  const chat = await startChat(thinkAndCall('a'), answerText('Done.'))
  await chat.send({ content: 'Where?' })
  const plain = await startChat(answerWith(...callOf({}), finishChunk('tool_calls'), '[DONE]'))
  await plain.send({ content: 'Where?' })
  const [[, signed], [, unsigned]] = [await chat.messages(), await plain.messages()]
  expect(signed?.tokenCount).toBeGreaterThan((unsigned?.tokenCount ?? 0) + 50)
  const path = `${await createDirectory()}/export.jsonl`
  await chat.stores.exportFile(path)
  const { memory: _, ...other } = await startTransferMemory()
  await other.importFile(path)
  const [before, after] = [await chat.stores.readAll(), await other.readAll()]
  const said = (all: typeof before) =>
    all.map(({ messages }) => messages.map(({ parts, model, tokens }) => ({ parts, model, tokens })))
  expect(said(after)).toEqual(said(before))
  expect(JSON.stringify(said(after))).toBe(JSON.stringify(said(before)))
  expect(JSON.stringify(said(after))).toContain(JSON.stringify(DETAILS))
  expect(JSON.stringify(said(after))).toContain(JSON.stringify(SIGNATURE))
})

function callOf(more: object) {
  const call = { index: 0, id: 'call_a', function: { name: 'look', arguments: '{"at":"a"}' }, ...more }
  return [deltaChunk({ reasoning_content: 'Think a.' }), deltaChunk({ tool_calls: [call] })]
}

/** A conversation with a model that answers by these scripts, the last one again and again. */
async function startChat(...scripts: Parameters<typeof startServer>) {
  const model = await startServer(...scripts)
  const server = await startTestServer(undefined, { model: createOpenAiModel({ baseUrl: model.url, model: 'm' }) })
  const { client } = server
  const id = await startConversation(client)
  const post = async (query: string, variables: object) => {
    const { data, errors } = await client.post({ query, variables })
    if (errors) throw new Error(JSON.stringify(errors))
    return data as Record<string, unknown>
  }
  const asked = () => model.calls.at(-1)?.body.messages as ChatMessage[]
  return {
    stores: transferStoresOf(server),
    ask: post,
    asked,
    async send(more: object) {
      const events = await readSent(
        client.streamBySse(sendMessage, { input: { ...questionInput(id, ''), content: null, ...more } }),
      )
      expect(events.at(-1)?.__typename).toBe('ReplyCompleted')
    },
    update: (changes: object) => post(UPDATE, { input: { id, ...changes } }),
    append: (toolCallId: string, output: string) =>
      post(APPEND, {
        input: { conversationId: id, messages: [{ role: 'TOOL', parts: [{ toolResult: { toolCallId, output } }] }] },
      }),
    async messages() {
      const { conversation } = await post(READ, { id })
      return (conversation as { messages: { nodes: { id: string; tokenCount: number }[] } }).messages.nodes
    },
    expectState(mark: string) {
      const message = asked().find((one) => one.role === 'assistant' && one.tool_calls?.[0]?.id === `call_${mark}`)
      expect(message).toMatchObject({ reasoning_content: `Think ${mark}.` })
      const { reasoning_details: details, tool_calls: calls } = message as {
        reasoning_details?: unknown
        tool_calls?: { extra_content?: unknown }[]
      }
      expect(JSON.stringify(details)).toBe(JSON.stringify(DETAILS))
      expect(JSON.stringify(calls?.[0]?.extra_content)).toBe(JSON.stringify(SIGNATURE))
    },
    expectNoState() {
      expect(JSON.stringify(asked())).toContain('call_a')
      expect(JSON.stringify(asked())).not.toMatch(/reasoning|Think|signature/)
    },
  }
}
