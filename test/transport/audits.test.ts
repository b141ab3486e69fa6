import { serverAudits } from 'graphql-http'
import { expect, test } from 'vitest'
import { createTokens } from '../../src/access/tokens.ts'
import { startTestServer } from '../support/test-server.ts'
import { SECRET, signBySecret } from '../support/token-issuer.ts'

const PROVEN = { authorization: `Bearer ${await signBySecret()}` }
const tokens = createTokens({ secret: SECRET }, { ownerClaim: 'sub' }, Date.now)

test.each([
  ['without', {}, {}],
  ['with', { access: { tokens } }, PROVEN],
])('all 61 audits of GraphQL over HTTP are ok %s authentication', async (_, options, proven) => {
  const { client } = await startTestServer(undefined, options)
  const fetchFn = (url: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { ...init.headers, ...proven } })
  const audits = serverAudits({ url: client.url, fetchFn })
  const results = await Promise.all(audits.map((audit) => audit.fn()))
  expect(results).toHaveLength(61)
  expect(results.filter(({ status }) => status !== 'ok').map(({ name, status }) => ({ name, status }))).toEqual([])
})
