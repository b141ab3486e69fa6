import { expect, test } from 'vitest'
import { COMPLEX_QUERIES, LARGEST_QUERIES } from '../../support/complex-queries.ts'
import { startTestServer } from '../../support/test-server.ts'

test.each(COMPLEX_QUERIES)('%s is refused, whatever is accepted', async (_, query, message) => {
  const { client, log } = await startTestServer()
  for (const accept of ['application/json', 'application/graphql-response+json', 'text/event-stream']) {
    const headers = { 'content-type': 'application/json', accept }
    const response = await fetch(client.url, { method: 'POST', headers, body: JSON.stringify({ query }) })
    const json = (await response.text()).match(/\{.*\}/)?.[0] ?? ''
    expect([accept, response.status, JSON.parse(json)]).toEqual([
      accept,
      400,
      { errors: [{ message, extensions: { code: 'QUERY_TOO_COMPLEX' } }] },
    ])
  }
  expect(log.entries).toEqual([])
})

test('a query that reaches a limit is answered', async () => {
  const { client } = await startTestServer()
  for (const query of LARGEST_QUERIES) {
    expect(await client.post({ query })).toMatchObject({ status: 200, data: expect.anything() })
  }
})
