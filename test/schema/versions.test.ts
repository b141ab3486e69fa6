import { describe, expect, test } from 'vitest'
import { HistoryUnavailableError } from '../../src/errors.ts'
import { createConversationId } from '../../src/memory/ids.ts'
import { graphql } from '../generated/gql.ts'
import { appendMessages, appendTexts, startConversation } from '../support/conversation-operations.ts'
import { startTestServer } from '../support/test-server.ts'
import { edit, redactMessage, selectVersion, textsOf, versionsOf } from '../support/version-operations.ts'

const twoPaths = graphql(`
  query TwoPaths($one: ID!, $two: ID!) {
    one: recentContext(conversationId: $one) { source messages { versions } }
    two: recentContext(conversationId: $two) { source messages { versions } }
  }
`)

const pathPage = graphql(`
  query PathPage($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    conversation(id: $id) {
      messages(first: $first, after: $after, last: $last, before: $before) {
        nodes { content }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  }
`)

describe('an edit', () => {
  test('takes the place of a message, with what follows it', async () => {
    const { client, id, ids } = await startSaid('one', '1', 'two', '2', 'three')
    const [zwei] = await edit(client, id, ids[2] ?? '', 'zwei', 'II')
    expect(await textsOf(client, id)).toEqual(['one', '1', 'zwei', 'II'])
    expect(await versionsOf(client, zwei ?? '')).toEqual(['two', 'zwei'])
    await appendTexts(client, id, 'drei')
    expect(await textsOf(client, id)).toEqual(['one', '1', 'zwei', 'II', 'drei'])
  })

  test('of any version is one more of them, listed oldest first by each', async () => {
    const { client, id, ids } = await startSaid('one', '1', 'two', '2')
    const [zwei = '', ii = ''] = await edit(client, id, ids[2] ?? '', 'zwei', 'II')
    await edit(client, id, zwei, 'dos')
    await edit(client, id, ids[2] ?? '', 'deux')
    expect(await versionsOf(client, zwei)).toEqual(['two', 'zwei', 'dos', 'deux'])
    expect(await versionsOf(client, ii)).toEqual(['II'])
    expect(await textsOf(client, id)).toEqual(['one', '1', 'deux'])
  })

  test('of the first message leaves nothing of the path before', async () => {
    const { client, id, ids } = await startSaid('one', '1', 'two')
    const [eins = ''] = await edit(client, id, ids[0] ?? '', 'eins')
    expect(await textsOf(client, id)).toEqual(['eins'])
    expect(await versionsOf(client, eins)).toEqual(['one', 'eins'])
  })

  test('can be made of what a model said', async () => {
    const { client, id, ids } = await startSaid('one', '1', 'two')
    const messages = [{ role: 'ASSISTANT' as const, content: 'I' }]
    await client.get(appendMessages, { input: { conversationId: id, messages, replaces: ids[1] ?? '' } })
    expect(await textsOf(client, id)).toEqual(['one', 'I'])
    expect(await versionsOf(client, ids[1] ?? '')).toEqual(['1', 'I'])
  })

  test('that is sent again is made once', async () => {
    const { client, id, ids } = await startSaid('one', '1')
    const messages = [{ role: 'USER' as const, content: 'eins', clientMessageId: 'e-1' }]
    const input = { conversationId: id, messages, replaces: ids[0] ?? '' }
    const first = await client.get(appendMessages, { input })
    expect(first).toMatchObject({ appendMessages: { created: 1, conversation: { messageCount: 1 } } })
    expect(await client.get(appendMessages, { input })).toMatchObject({ appendMessages: { created: 0 } })
    expect(await versionsOf(client, ids[0] ?? '')).toEqual(['one', 'eins'])
  })

  test('stops at 1,000 branches of a conversation', async () => {
    const { client, memory, history } = await startTestServer()
    const { conversation } = await memory.createConversation('local', {}, 'FAIL')
    const id = createConversationId()
    const first = { parent: '0', atSequence: 1, tokenStart: 0 }
    const branches = Array.from({ length: 999 }, (_, index) => ({ id: `b${index}`, ...first }))
    await history.createConversation({ ...conversation, id, branches })
    const [one = ''] = await appendTexts(client, id, 'one')
    await edit(client, id, one, 'eins')
    await expect(edit(client, id, one, 'uno')).rejects.toThrow(/BAD_USER_INPUT.*"field":"replaces"/)
    expect(await textsOf(client, id)).toEqual(['eins'])
  })
})

describe('a selected version', () => {
  test('shows the path that was used last through it, back and forth', async () => {
    const { client, id, ids } = await startSaid('one', '1', 'two', '2')
    const [zwei = ''] = await edit(client, id, ids[2] ?? '', 'zwei', 'II', 'drei')
    const paths = [
      [ids[2] ?? '', ['one', '1', 'two', '2']],
      [zwei, ['one', '1', 'zwei', 'II', 'drei']],
    ] as const
    for (const [messageId, texts] of [...paths, ...paths]) {
      const { selectVersion: selected } = await client.get(selectVersion, { messageId })
      const contents = texts.map((content) => ({ content }))
      expect(selected).toMatchObject({
        __typename: 'SelectVersionSuccess',
        message: { id: messageId },
        conversation: {
          messageCount: texts.length,
          messages: { nodes: contents },
          recentContext: { messages: contents },
        },
      })
      expect(await textsOf(client, id)).toEqual(texts)
    }
    await client.get(selectVersion, { messageId: ids[0] ?? '' })
    expect(await textsOf(client, id)).toEqual(['one', '1', 'zwei', 'II', 'drei'])
  })

  test('is what appends go behind', async () => {
    const { client, id, ids } = await startSaid('one', '1', 'two')
    await edit(client, id, ids[2] ?? '', 'zwei', 'II')
    await client.get(selectVersion, { messageId: ids[2] ?? '' })
    await appendTexts(client, id, 'three')
    expect(await textsOf(client, id)).toEqual(['one', '1', 'two', 'three'])
  })

  test('has pages along its path, and goes on behind the cursors of another as far as both are one', async () => {
    const { client, id, ids } = await startSaid('one', '1', 'two', '2', 'three')
    const page = async (range: { first?: number; after?: string; last?: number; before?: string }) => {
      const { conversation } = await client.get(pathPage, { id, ...range })
      const { nodes = [], pageInfo } = conversation?.messages ?? {}
      return { texts: nodes.map(({ content }) => content), ...pageInfo }
    }
    const shared = await page({ first: 2 })
    await edit(client, id, ids[2] ?? '', 'zwei', 'II')
    expect((await page({ first: 5, after: shared.endCursor ?? '' })).texts).toEqual(['zwei', 'II'])
    const last = await page({ last: 1 })
    expect(last).toMatchObject({ texts: ['II'], hasNextPage: false, hasPreviousPage: true })
    const before = await page({ last: 2, before: last.startCursor ?? '' })
    expect(before).toMatchObject({ texts: ['1', 'zwei'], hasPreviousPage: true })
    expect(await page({ last: 2, before: before.startCursor ?? '' })).toMatchObject({
      texts: ['one'],
      hasPreviousPage: false,
    })
  })
})

test('the versions of all messages of an operation are one lookup', async () => {
  const { client, history, id, ids } = await startSaid('one', '1', 'two')
  const other = await startConversation(client)
  await appendTexts(client, other, 'a', 'b')
  await edit(client, id, ids[2] ?? '', 'zwei')
  const read = () => client.get(twoPaths, { one: id, two: other })
  await expect.poll(read).toMatchObject({ one: { source: 'CACHE' }, two: { source: 'CACHE' } })
  history.resetCounts()
  const { one, two } = await read()
  expect([...one.messages, ...two.messages].map(({ versions }) => versions.length)).toEqual([1, 1, 2, 1, 1])
  expect(history.calls).toEqual(['findConversations'])
})

describe('what is not there', () => {
  test('cannot be replaced, selected or redacted, whoever has it', async () => {
    const { client, memory, id, ids } = await startSaid('one')
    const [elsewhere = ''] = await appendTexts(client, await startConversation(client), 'elsewhere')
    const eve = (await memory.createConversation('eve', {}, 'FAIL')).conversation.id
    const draft = { role: 'USER' as const, parts: [{ type: 'text' as const, text: 'x' }] }
    const [foreign] = (await memory.appendMessages('eve', eve, [draft])).messages
    const gone = [foreign?.id ?? '', `${ids[0]}_zzz`, ids[0]?.replace(/1$/, '2') ?? '', 'nonsense', id]
    for (const messageId of gone) {
      const missing = { __typename: 'NotFoundError', code: 'NOT_FOUND' }
      expect((await client.get(selectVersion, { messageId })).selectVersion).toMatchObject(missing)
      expect((await client.get(redactMessage, { id: messageId })).redactMessage).toMatchObject(missing)
      await expect(edit(client, id, messageId, 'y')).rejects.toThrow('NotFoundError')
    }
    await expect(edit(client, id, elsewhere, 'y')).rejects.toThrow('NotFoundError')
    await expect(edit(client, eve, foreign?.id ?? '', 'y')).rejects.toThrow('NotFoundError')
    expect(await textsOf(client, id)).toEqual(['one'])
    expect((await memory.findMessages('eve', [foreign?.id ?? '']))[0]).toMatchObject(draft)
  })

  test('for the moment says so', async () => {
    const away = () => Promise.reject(new HistoryUnavailableError(new Error('cut')))
    const { client } = await startTestServer(() => ({ selectVersion: away, redactMessage: away }))
    const error = { __typename: 'HistoryUnavailableError', code: 'HISTORY_UNAVAILABLE', retryable: true }
    expect((await client.get(selectVersion, { messageId: 'x' })).selectVersion).toMatchObject(error)
    expect((await client.get(redactMessage, { id: 'x' })).redactMessage).toMatchObject(error)
  })
})

test('a version is said by whom the message was said', async () => {
  const { client, id, ids } = await startSaid('one')
  const messages = [{ role: 'ASSISTANT' as const, content: 'eins' }]
  const input = { conversationId: id, messages, replaces: ids[0] ?? '' }
  expect((await client.get(appendMessages, { input })).appendMessages).toMatchObject({
    __typename: 'InvalidInputError',
    code: 'BAD_USER_INPUT',
    field: 'messages[0].role',
  })
  expect(await versionsOf(client, ids[0] ?? '')).toEqual(['one'])
})

/** A server with a conversation in which this was said. */
async function startSaid(...texts: string[]) {
  const { client, memory, history } = await startTestServer()
  const id = await startConversation(client)
  return { client, memory, history, id, ids: await appendTexts(client, id, ...texts) }
}
