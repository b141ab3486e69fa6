import { ApolloClient, gql, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createSocketClient } from 'graphql-ws'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { createDemoModel } from '../../src/chat/model/demo-model.ts'
import { startConversation } from '../support/conversation-operations.ts'
import { placeSent, questionInput, sendMessage } from '../support/reply-operations.ts'
import { startTestServer } from '../support/test-server.ts'

interface Sent {
  __typename: string
  message?: { content: string }
}

type Send = (
  origin: string,
  variables: { input: ReturnType<typeof questionInput> },
) => AsyncIterable<Sent> | Promise<Sent[]>

const query = String(sendMessage)

/** Each client as its own documentation sets it up. */
const clients: Record<string, Send> = {
  'graphql-sse': async function* (origin, variables) {
    const client = createSseClient({ url: `${origin}/graphql` })
    onTestFinished(() => client.dispose())
    for await (const { data } of client.iterate<{ sendMessage: Sent }>({ query, variables })) {
      if (data) yield data.sendMessage
    }
  },

  'graphql-ws': async function* (origin, variables) {
    const client = createSocketClient({ url: socketUrl(origin), webSocketImpl: WebSocket })
    onTestFinished(() => client.dispose())
    for await (const { data } of client.iterate<{ sendMessage: Sent }>({ query, variables })) {
      if (data) yield data.sendMessage
    }
  },

  urql: async (origin, variables) => {
    const sse = createSseClient({ url: `${origin}/graphql` })
    onTestFinished(() => sse.dispose())
    const forwarding = subscriptionExchange({
      forwardSubscription: ({ query = '', variables }) => ({
        subscribe: (sink) => ({ unsubscribe: sse.subscribe({ query, variables: variables ?? {} }, sink) }),
      }),
    })
    const client = new Client({ url: `${origin}/graphql`, exchanges: [fetchExchange, forwarding] })
    const sent: Sent[] = []
    return new Promise((resolve, reject) => {
      client.subscription<{ sendMessage: Sent }>(query, variables).subscribe(({ data, error }) => {
        if (error) reject(error)
        if (data) sent.push(data.sendMessage)
        if (sent.at(-1)?.message !== undefined) resolve(sent)
      })
    })
  },

  'urql by itself': async (origin, variables) => {
    const exchanges = [fetchExchange]
    const client = new Client({ url: `${origin}/graphql`, exchanges, fetchSubscriptions: true, preferGetMethod: false })
    const sent: Sent[] = []
    return new Promise((resolve, reject) => {
      client.subscription<{ sendMessage: Sent }>(query, variables).subscribe(({ data, error }) => {
        if (error) reject(error)
        if (data) sent.push(data.sendMessage)
        if (sent.at(-1)?.message !== undefined) resolve(sent)
      })
    })
  },

  'Apollo Client': async (origin, variables) => {
    const socket = createSocketClient({ url: socketUrl(origin), webSocketImpl: WebSocket })
    const client = new ApolloClient({ link: new GraphQLWsLink(socket), cache: new InMemoryCache() })
    onTestFinished(() => socket.dispose())
    const sent: Sent[] = []
    // Its cache would merge one event into the other.
    return new Promise((resolve, reject) => {
      client.subscribe<{ sendMessage: Sent }>({ query: gql(query), variables, fetchPolicy: 'no-cache' }).subscribe({
        next({ data, error }) {
          if (error) reject(error)
          if (data) sent.push(data.sendMessage)
        },
        error: reject,
        complete: () => resolve(sent),
      })
    })
  },
}

test.each(Object.entries(clients))('%s streams a whole reply, which is what is stored', async (_, send) => {
  const { origin, client } = await startTestServer(undefined, { model: createDemoModel({ delayMs: 1 }) })
  const id = await startConversation(client)
  const sent: Sent[] = []
  for await (const event of await send(origin, { input: questionInput(id, 'Was weißt du? 🧐') })) sent.push(event)
  expect(sent[0]?.__typename).toBe('ReplyStarted')
  const stored = await client.post({
    query: 'query ($id: ID!) { conversation(id: $id) { messages(last: 1) { nodes { content } } } }',
    variables: { id },
  })
  expect(placeSent(sent)).toContain('Was weißt du? 🧐')
  expect(stored.data).toEqual({ conversation: { messages: { nodes: [{ content: placeSent(sent) }] } } })
  expect(sent.at(-1)).toMatchObject({ __typename: 'ReplyCompleted', message: { content: placeSent(sent) } })
})

function socketUrl(origin: string): string {
  return `${origin.replace('http', 'ws')}/graphql`
}
