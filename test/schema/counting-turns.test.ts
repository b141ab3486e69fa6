import { expect, test } from 'vitest'
import { createDemoModel } from '../../src/chat/model/demo-model.ts'
import { RateLimitedError } from '../../src/errors.ts'
import type { Asker } from '../../src/memory/tokens/fair-queue.ts'
import { graphql } from '../generated/gql.ts'
import { startConversation } from '../support/conversation-operations.ts'
import { openSocket } from '../support/raw-socket.ts'
import { questionInput, readSent, sendMessage } from '../support/reply-operations.ts'
import { startTestServer } from '../support/test-server.ts'

const append = graphql(`
  mutation AppendInTurn($input: AppendMessagesInput!) {
    appendMessages(input: $input) { __typename ... on Error { code detail } ... on RateLimitedError { retryAfterMs } }
  }
`)

const start = graphql(`
  mutation StartInTurn($input: SendMessageInput!) {
    startReply(input: $input) {
      __typename
      ... on Error { code detail }
      ... on RateLimitedError { retryAfterMs }
      ... on ReplyRejectedError { retryAfterMs }
    }
  }
`)

test('each way in says by which connection a text came', async () => {
  const { client, origin, askers, id } = await startCounted()
  await client.get(append, { input: { conversationId: id, messages: [{ role: 'USER', content: 'one' }] } })
  await client.execute(start, { input: questionInput(id, 'two', { onBusy: 'QUEUE' }) })
  // By Yoga's own way: an operation beside another one is no plain request.
  await client.post({
    query: `query Other { __typename } ${append}`,
    operationName: 'AppendInTurn',
    variables: appended(id),
  })
  await readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'four', { onBusy: 'QUEUE' }) }))
  for (const socket of [await openSocket(origin), await openSocket(origin)]) {
    for (const operation of ['a', 'b']) {
      socket.send({ id: operation, type: 'subscribe', payload: { query: String(append), variables: appended(id) } })
      expect(await socket.next()).toMatchObject({ type: 'next' })
      expect(await socket.next()).toMatchObject({ type: 'complete' })
    }
  }
  const sources = askers.map(({ source }) => source)
  expect(sources.filter((source) => !/^\d+$/.test(source))).toEqual([])
  const [first, firstAgain, second, secondAgain, ...more] = sources.slice(4)
  expect([firstAgain, secondAgain, more]).toEqual([first, second, []])
  expect(new Set([...sources.slice(0, 4), first]).size).toBeGreaterThan(1)
  expect(sources.slice(0, 5)).not.toContain(second)
})

test('what finds no room is refused with a time, by the words of each field, and done when it is sent again', async () => {
  const { client, refuse, held, id } = await startCounted()
  const input = { ...questionInput(id, 'hello'), onBusy: 'QUEUE' as const }
  const refused = { code: 'RATE_LIMITED', retryAfterMs: 1_234 }
  refuse(3)
  expect((await client.get(append, appended(id))).appendMessages).toMatchObject({
    __typename: 'RateLimitedError',
    ...refused,
  })
  expect((await client.get(start, { input })).startReply).toMatchObject({ __typename: 'RateLimitedError', ...refused })
  expect(await readSent(client.streamBySse(sendMessage, { input }))).toMatchObject([
    { __typename: 'ReplyRejected', ...refused },
  ])
  expect((await client.get(append, appended(id))).appendMessages.__typename).toBe('AppendMessagesSuccess')
  expect((await readSent(client.streamBySse(sendMessage, { input }))).at(-1)?.__typename).toBe('ReplyCompleted')
  expect(held()).toBe(0)
})

test('the room is free again also where nothing was stored', async () => {
  const { client, held, id } = await startCounted()
  const missing = id.replace(/.{4}$/, '0000')
  await client.get(append, appended(missing))
  await client.get(append, { input: { conversationId: id, messages: [{ role: 'USER', content: '' }] } })
  await client.get(start, { input: questionInput(missing, 'hello') })
  await readSent(client.streamBySse(sendMessage, { input: questionInput(missing, 'hello') }))
  await readSent(client.streamBySse(sendMessage, { input: questionInput(id, 'hello', { maxContextTokens: 1 }) }))
  expect(held()).toBe(0)
})

function appended(conversationId: string) {
  return { input: { conversationId, messages: [{ role: 'USER' as const, content: 'one' }] } }
}

/** A server that tells who asked for room, refuses it so often as it is told, and how much is held. */
async function startCounted() {
  const askers: Asker[] = []
  let refusals = 0
  let holders = 0
  const server = await startTestServer(undefined, {
    model: createDemoModel({ delayMs: 0 }),
    changeCounter: () => ({
      admit(_bytes, asker) {
        if (refusals-- > 0) throw new RateLimitedError('Too much.', 1_234)
        askers.push(asker)
        holders += 1
        return () => {
          holders -= 1
        }
      },
    }),
  })
  const id = await startConversation(server.client)
  const refuse = (times: number) => {
    refusals = times
  }
  return { ...server, askers, refuse, held: () => holders, id }
}
