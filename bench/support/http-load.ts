import autocannon, { type Options, type Result } from 'autocannon'
import type { Contender } from './compare.ts'

const CONNECTIONS = 32
const TICK_MS = 20
const QUERY = `query ($id: ID!) {
  recentContext(conversationId: $id) {
    messages { id sequence role status content tokenCount createdAt }
    tokenCount
    maxTokens
    omittedCount
    omittedTokens
    cut
    source
  }
}`

/** A load as a contender: so many requests for a context over 32 connections at once. Throws unless every answer is good. */
export function loadOf(name: string, url: string, conversationId: string, amount: number): Contender {
  let ended: Promise<Result>
  return {
    name,
    async run() {
      const load = startLoad(url, conversationId, amount)
      ended = load.ended
      await load.answered
    },
    async after() {
      const { errors, non2xx, mismatches } = await ended
      if (errors + non2xx + mismatches === 0) return
      throw new Error(`${url} gave ${mismatches} bad answers, ${non2xx} refusals and ${errors} errors`)
    },
  }
}

/** Autocannon ends with a tick of its clock, which is later than the last answer. */
function startLoad(url: string, conversationId: string, amount: number) {
  const options: Options = {
    url,
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: QUERY, variables: { id: conversationId } }),
    connections: CONNECTIONS,
    amount,
    sampleInt: TICK_MS,
    verifyBody: (body) => String(body).startsWith('{"data":{"recentContext":{"messages":[{'),
  }
  const ended = Promise.withResolvers<Result>()
  const answered = Promise.withResolvers<void>()
  let left = amount
  const load = autocannon(options, (error, result) => {
    if (error) ended.reject(error)
    else ended.resolve(result)
    // What broke is told by the result.
    answered.resolve()
  })
  load.on('response', () => {
    left -= 1
    if (left === 0) answered.resolve()
  })
  return { answered: answered.promise, ended: ended.promise }
}
