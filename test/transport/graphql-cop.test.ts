import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { startTestServer } from '../support/test-server.ts'

/** What docs/operation.md recommends where strangers come. */
const CLOSED = { server: { introspection: false, getQueries: false } }
const JSON_TYPE = { 'content-type': 'application/json' }

/** One of the checks of https://github.com/dolevf/graphql-cop: what it sends, and what it takes for a weakness. */
interface Check {
  method?: 'GET'
  path?: string
  headers?: Record<string, string>
  body?: unknown
  flags(answer: Answer): boolean
}

interface Answer {
  text: string
  data?: Record<string, { types?: unknown[] } | string>
  errors?: { message: string; extensions?: Record<string, unknown> }[]
}

const hasTypename = ({ data }: Answer) => data?.__typename !== undefined
const times = (count: number, part: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => part(at)).join(' ')

const CHECKS: Record<string, Check> = {
  'alias overloading': {
    body: { query: `query cop { ${times(101, (at) => `alias${at}:__typename`)} }` },
    flags: ({ data }) => data?.alias100 !== undefined,
  },
  'array batching': {
    body: Array.from({ length: 11 }, () => ({ query: 'query cop { __typename }' })),
    flags: ({ text }) => text.split('"__typename"').length > 10,
  },
  'directive overloading': {
    body: { query: 'query cop { __typename @aa@aa@aa@aa@aa@aa@aa@aa@aa@aa }' },
    flags: ({ errors }) => errors?.length === 10,
  },
  'circular introspection': {
    body: {
      query:
        'query cop { __schema { types { fields { type { fields { type { fields { type { fields { type { name } } } } } } } } } } }',
    },
    flags: hasTypes,
  },
  introspection: { body: { query: 'query cop { __schema { types { name fields { name } } } }' }, flags: hasTypes },
  'field duplication': { body: { query: `query cop { ${times(500, () => '__typename')} }` }, flags: hasTypename },
  'field suggestions': {
    body: { query: 'query cop { __schema { directive } }' },
    flags: ({ text }) => text.includes('Did you mean'),
  },
  'trace mode': {
    body: { query: 'query cop { __typename }' },
    flags: ({ errors, text }) => /stacktrace/i.test(text) || errors?.[0]?.extensions?.tracing !== undefined,
  },
  'queries by GET': { method: 'GET', path: '/graphql?query=query+cop+%7B__typename%7D', flags: hasTypename },
  'mutations by GET': { method: 'GET', path: '/graphql?query=mutation+cop+%7B__typename%7D', flags: hasTypename },
  'a query in the path of a POST': {
    path: '/graphql?query=query+cop+%7B__typename%7D',
    headers: {},
    flags: hasTypename,
  },
  'a query in a form': {
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'query=query+cop+%7B__typename%7D',
    flags: hasTypename,
  },
  'unhandled errors': {
    body: { query: 'qwerty cop { abc }' },
    flags: ({ errors, text }) => text.includes('"exception"') || errors?.[0]?.extensions?.exception !== undefined,
  },
}
const PAGES = ['/', '/graphiql', '/playground', '/console', '/graphql', '/graphql/']

test.each(Object.entries(CHECKS))('%s is no weakness', async (_, check) => {
  const { origin } = await startTestServer(undefined, CLOSED)
  const answer = await send(origin, check)
  expect([answer.text, check.flags(answer)]).toEqual([expect.stringMatching(/^\{/), false])
})

test.each(PAGES)('no page to explore the schema with is at %s', async (path) => {
  const { origin } = await startTestServer(undefined, CLOSED)
  for (const accept of ['*/*', 'text/html']) {
    const { text } = await send(origin, { method: 'GET', path, headers: { accept }, flags: () => false })
    expect(text).not.toMatch(/graphiql|playground|<html/i)
  }
})

test('where the schema is open only what explores it is flagged', async () => {
  const { origin } = await startTestServer()
  const flagged: string[] = []
  for (const [name, check] of Object.entries(CHECKS)) if (check.flags(await send(origin, check))) flagged.push(name)
  expect(flagged).toEqual(['introspection', 'field suggestions', 'queries by GET'])
})

function hasTypes({ data }: Answer): boolean {
  const { __schema: schema } = data ?? {}
  return typeof schema === 'object' && schema?.types !== undefined
}

async function send(origin: string, { method, path = '/graphql', headers = JSON_TYPE, body }: Check): Promise<Answer> {
  const sending = request(origin + path, { method: method ?? 'POST', headers: { accept: '*/*', ...headers } })
  sending.end(typeof body === 'string' || body === undefined ? body : JSON.stringify(body))
  const [response] = (await once(sending, 'response')) as [IncomingMessage]
  const received = await text(response)
  return { text: received, ...(JSON.parse(received) as object) }
}
