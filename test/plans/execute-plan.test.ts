import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { buildSchema, type ExecutionResult, execute, getIntrospectionQuery, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { executePlan } from '../../src/plans/execute-plan.ts'
import { planQuery } from '../../src/plans/query-plan.ts'
import { createBounds } from '../support/execution-bounds.ts'
import { arbitraryQuery, createSource, createWorldSchema } from '../support/query-world.ts'

const schema = createWorldSchema()

test('a planned query has the results and errors of graphql-js', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryRun(), async ({ text, seed, faults, on, costOfTurn }) => {
      const document = parse(text)
      fc.pre(validate(schema, document).length === 0)
      const world = () => createSource(seed, faults)
      const args = { schema, document, variableValues: { n: 3, on }, contextValue: {} }
      const expected = (await execute({ ...args, rootValue: world() })) as ExecutionResult
      const variables = { coerced: { n: 3, on }, sources: {} }
      const plan = planQuery(schema, document, undefined, { variables })
      if (plan === undefined) throw new Error(`No plan of ${text}`)
      const bounds = costOfTurn === undefined ? undefined : { ...createBounds(), costOfTurn }
      const run = { plan, rootValue: world(), contextValue: {}, variables, bounds }
      // Twice: the second time all selections are planned.
      for (const result of [await executePlan(run), await executePlan({ ...run, rootValue: world() })]) {
        expect(JSON.parse(JSON.stringify(result.data))).toEqual(JSON.parse(JSON.stringify(expected.data)))
        expectSameErrors(result, expected)
      }
    }),
    { numRuns: 500 },
  )
})

function arbitraryRun() {
  return fc.record({
    text: arbitraryQuery(),
    seed: fc.nat(),
    faults: fc.constantFrom(0, 1, 8),
    on: fc.boolean(),
    // With turns after each few fields, every list and object waits somewhere.
    costOfTurn: fc.constantFrom(undefined, 1, 3, 20),
  })
}

test.each([
  getIntrospectionQuery(),
  '{ __type(name: "Node") { fields(includeDeprecated: true) { name args { defaultValue } } } __typename }',
  '{ __proto__: text a: text }',
])('%s has the result of graphql-js', async (text) => {
  const document = parse(text)
  const plan = planQuery(schema, document)
  if (plan === undefined) throw new Error('No plan')
  const rootValue = createSource(1, 0)
  const expected = await execute({ schema, document, rootValue })
  const variables = { coerced: {}, sources: {} }
  expect(JSON.stringify(await executePlan({ plan, rootValue, contextValue: {}, variables }))).toBe(
    JSON.stringify(expected),
  )
})

test('keys come in the order in which they are asked for, promises or not', async () => {
  const text = '{ z: must { own number } echo a: text node { need } b: echo(first: 7) }'
  const plan = planQuery(schema, parse(text))
  if (plan === undefined) throw new Error('No plan')
  const variables = { coerced: {}, sources: {} }
  const rootValue = createSource(1, 0)
  const { data } = await executePlan({ plan, rootValue, contextValue: {}, variables })
  expect(Object.keys(data ?? {})).toEqual(['z', 'echo', 'a', 'node', 'b'])
})

test('promises beside an error are handled when they reject', async () => {
  const text = '{ strict { need } must { need } }'
  const late = async (message: string) => {
    await nextTurn()
    throw new Error(message)
  }
  const made = buildSchema('type Query { strict: [Item!]! must: Item! } type Item { need: String! }')
  const plan = planQuery(made, parse(text))
  if (plan === undefined) throw new Error('No plan')
  const rootValue = {
    strict: [late('first'), { need: () => late('second') }, { need: null }, late('last')],
    must: late('must'),
  }
  const variables = { coerced: {}, sources: {} }
  const { errors } = await executePlan({ plan, rootValue, contextValue: {}, variables })
  expect(errors).toHaveLength(1)
  await nextTurn()
})

test('of several operations none is planned unless it is chosen', () => {
  expect(planQuery(schema, parse('query A { text } query B { text }'))).toBeUndefined()
})

test('fragments that repeat each other are planned no further than they are executed', () => {
  const all = Array.from({ length: 60 }, (_, i) => doubled('Node', i)).join(' ')
  const text = `{ node { ...F0 } } ${all} fragment F60 on Node { text }`
  const plan = planQuery(schema, parse(text))
  expect(plan?.size).toBe(1)
})

test('a plan keeps no more than a thousand fields, and answers all the same', async () => {
  const all = Array.from({ length: 11 }, (_, i) => doubled('Item', i)).join(' ')
  const made = buildSchema('type Query { node: Item! } type Item { node: Item! text: String }')
  const document = parse(`{ node { ...F0 } } ${all} fragment F11 on Item { text }`)
  const item = {
    text: 'x',
    get node() {
      return item
    },
  }
  const plan = planQuery(made, document)
  if (plan === undefined) throw new Error('No plan')
  const variables = { coerced: {}, sources: {} }
  const run = { plan, rootValue: item, contextValue: {}, variables }
  const expected = JSON.stringify(await execute({ schema: made, document, rootValue: item }))
  expect(JSON.stringify(await executePlan(run))).toBe(expected)
  expect(JSON.stringify(await executePlan(run))).toBe(expected)
  expect(plan.size).toBeGreaterThan(900)
  expect(plan.size).toBeLessThan(1_100)
})

/**
 * Wherever there is null for an error, both have one, and the same one for the same field. Which of
 * several errors makes the null that they are lost in depends on microtasks: the specification asks for any.
 */
function expectSameErrors(actual: ExecutionResult, expected: ExecutionResult): void {
  expect(nullsOf(actual)).toEqual(nullsOf(expected))
  const theirs = new Map(expected.errors?.map((error) => [String(error.path), error]))
  for (const error of actual.errors ?? []) {
    const same = theirs.get(String(error.path)) ?? error
    expect([error.toJSON(), error.originalError?.message]).toEqual([same.toJSON(), same.originalError?.message])
  }
}

/** The nulls that errors made. */
function nullsOf({ data, errors = [] }: ExecutionResult): string[] {
  const places = errors.map(({ path = [] }) => {
    let value: unknown = data
    let depth = 0
    while (value !== null && depth < path.length)
      value = (value as Record<string | number, unknown>)[path[depth++] ?? '']
    expect(value).toBeNull()
    return path.slice(0, depth).join('.')
  })
  return [...new Set(places)].toSorted()
}

/** A fragment that uses the next one twice. */
function doubled(type: string, index: number): string {
  return `fragment F${index} on ${type} { a: node { ...F${index + 1} } b: node { ...F${index + 1} } }`
}
