import { serverAudits } from 'graphql-http'
import { expect, test } from 'vitest'
import { startTestServer } from '../support/test-server.ts'

test('all 61 audits of GraphQL over HTTP are ok', async () => {
  const { client } = await startTestServer()
  const audits = serverAudits({ url: client.url })
  const results = await Promise.all(audits.map((audit) => audit.fn()))
  expect(results).toHaveLength(61)
  expect(results.filter(({ status }) => status !== 'ok').map(({ name, status }) => ({ name, status }))).toEqual([])
})
