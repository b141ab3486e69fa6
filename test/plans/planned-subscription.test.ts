import { setImmediate as nextTick } from 'node:timers/promises'
import fc from 'fast-check'
import { buildSchema, type ExecutionResult, execute, isInterfaceType, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { createPlannedSubscriptions, eventItself } from '../../src/plans/planned-subscription.ts'
import { planQuery } from '../../src/plans/query-plan.ts'

const schema = createEventSchema()

test('a result is the one of graphql-js, whatever an event has', async () => {
  await fc.assert(
    fc.asyncProperty(arbitrarySelection(), fc.array(arbitraryEvent(), { maxLength: 4 }), async (selection, events) => {
      const fragment = selection.includes('...F') ? 'fragment F on Event { id f: at }' : ''
      const variable = selection.includes('$n') ? '($n: Int)' : ''
      const document = parse(`subscription ${variable} { it: events(first: 3) { ${selection} } } ${fragment}`)
      expect(validate(schema, document)).toEqual([])
      const { toResult } = mappingOf(document, { n: 2 })
      for (const event of events) {
        const args = { schema, document, rootValue: event, variableValues: { n: 2 }, contextValue: {} }
        const expected = (await execute(args)) as ExecutionResult
        // Twice: the second time the event is the newest.
        for (const result of [await toResult(event), await toResult(event)]) {
          expect(JSON.parse(JSON.stringify(result.data))).toEqual(JSON.parse(JSON.stringify(expected.data)))
          expect(result.errors?.map(String)).toEqual(expected.errors?.map(String))
        }
      }
    }),
    { numRuns: 400 },
  )
})

test('who gets the same event gets the same result, unless it depends on more', async () => {
  const shared = parse('subscription { events { ... on Said { at } } }')
  const event = { type: 'Said', id: 'a', at: 1, loud: true }
  const kept = createPlannedSubscriptions()
  const plan = planQuery(schema, shared)
  if (plan === undefined) throw new Error('No plan')
  const [first, second] = [kept.mappingOf(runOf(plan)), kept.mappingOf(runOf(plan))]
  expect(await second.toResult(event)).toBe(await first.toResult(event))
  expect(await second.toResult({ ...event })).not.toBe(await first.toResult(event))
})

test('what is not plain is shared by those who get the event in the same tick, and kept no longer', async () => {
  const { toResult } = mappingOf(parse('subscription { events { ... on Said { twice } } }'), {})
  const event = { type: 'Said', at: 1 }
  const first = await toResult(event)
  expect(await toResult(event)).toBe(first)
  await nextTick()
  await nextTick()
  expect(await toResult(event)).toEqual(first)
  expect(await toResult(event)).not.toBe(first)
})

test('what depends on variables is made for each', async () => {
  const { toResult } = mappingOf(parse('subscription ($n: Int) { events { ... on Said { said(n: $n) } } }'), { n: 1 })
  const event = { type: 'Said', at: 1 }
  expect(await toResult(event)).not.toBe(await toResult(event))
})

test.each([
  ['takes its arguments', (event: object, { first }: { first: number }) => ({ ...event, at: first })],
  ['takes its arguments by default', (event: object, { first } = { first: 0 }) => ({ ...event, at: first })],
  ['takes the rest', (event: object, ...[{ first }]: [{ first: number }]) => ({ ...event, at: first })],
  [
    'gives the event where there are no arguments',
    (event: object, { first }: { first?: number }) => (first === undefined ? event : { ...event, at: first }),
  ],
])('a resolver of events that %s gets them', async (_, resolve) => {
  const made = createEventSchema()
  Object.assign(made.getSubscriptionType()?.getFields().events ?? {}, { resolve })
  const plan = planQuery(made, parse('subscription { events(first: 7) { at } }'))
  if (plan === undefined) throw new Error('No plan')
  const { toResult } = createPlannedSubscriptions().mappingOf(runOf(plan))
  expect(await toResult({ type: 'Said', at: 1 })).toEqual({ data: { events: { at: 7 } } })
})

test('an event that is not of its type is an error', async () => {
  const made = createEventSchema()
  Object.assign(made.getType('Said') ?? {}, { isTypeOf: ({ at }: { at: number }) => at > 1 })
  const plan = planQuery(made, parse('subscription { events { at } }'))
  if (plan === undefined) throw new Error('No plan')
  const { toResult } = createPlannedSubscriptions().mappingOf(runOf(plan))
  expect(await toResult({ type: 'Said', at: 2 })).toEqual({ data: { events: { at: 2 } } })
  expect(await toResult({ type: 'Said', at: 1 })).toMatchObject({
    errors: [{ message: 'Expected value of type "Said" but got: { type: "Said", at: 1 }.' }],
  })
})

function mappingOf(document: ReturnType<typeof parse>, coerced: Record<string, unknown>) {
  const plan = planQuery(schema, document)
  if (plan === undefined) throw new Error('No plan')
  return createPlannedSubscriptions().mappingOf(runOf(plan, coerced))
}

function runOf(plan: NonNullable<ReturnType<typeof planQuery>>, coerced: Record<string, unknown> = {}) {
  const variables = { coerced, sources: {} }
  return { plan, rootValue: undefined, contextValue: {}, variables }
}

function createEventSchema() {
  const made = buildSchema(
    `
    interface Event { id: ID at: Int! }
    type Said implements Event { id: ID at: Int! loud: Boolean twice: Int kind: Kind any: Any said(n: Int): String all: [Int] }
    type Left implements Event { id: ID at: Int! why: String! inner: Left }
    enum Kind { A B }
    scalar Any
    type Query { none: Int }
    type Subscription { events(first: Int = 1): Event }
  `,
  )
  const events = made.getSubscriptionType()?.getFields().events
  const said = made.getType('Said')
  const event = made.getType('Event')
  if (events === undefined || !isInterfaceType(event) || said === undefined) throw new TypeError('Not the schema')
  events.resolve = eventItself
  event.resolveType = ({ type }) => type
  if ('getFields' in said) {
    const { twice, said: spoken } = said.getFields() as Record<string, { resolve?: unknown }>
    Object.assign(twice ?? {}, { resolve: ({ at }: { at: number }) => 2 * at })
    Object.assign(spoken ?? {}, { resolve: (_: unknown, { n }: { n?: number }) => `n is ${n}` })
  }
  return made
}

function arbitrarySelection(): fc.Arbitrary<string> {
  const parts = [
    '__typename',
    'id',
    'at',
    'a: at b: at',
    '...F',
    '... on Said { loud kind }',
    '... on Said { any }',
    '... on Said { twice }',
    '... on Said { said(n: $n) all }',
    '... on Left { why }',
    '... on Left { t: __typename inner { at why } }',
    '... on Event { id }',
  ]
  return fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 5 }).map((chosen) => chosen.join(' '))
}

function arbitraryEvent(): fc.Arbitrary<unknown> {
  const odd = fc.constantFrom(null, undefined, {}, 1.5, 'x', 7, Number.NaN, true, [1], new Error('an error as a value'))
  const fields = {
    id: fc.oneof(fc.string(), odd),
    at: fc.oneof(fc.nat(), odd),
    loud: fc.oneof(fc.boolean(), odd),
    kind: fc.oneof(fc.constantFrom('A', 'B'), odd),
    why: fc.oneof(fc.string(), odd),
    all: fc.oneof(fc.array(fc.nat()), odd),
    any: odd,
    twice: fc.nat(),
    inner: fc.constantFrom(null, { at: 1, why: 'so' }, { at: 1, why: null }),
    type: fc.constantFrom('Said', 'Left'),
  }
  return fc.oneof(
    { weight: 9, arbitrary: fc.record(fields) },
    { weight: 1, arbitrary: fc.constantFrom(null, undefined) },
  )
}
