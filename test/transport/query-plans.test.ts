import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { buildSchema, type ExecutionResult, execute, isObjectType, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { createIsoTimes } from '../../src/transport/iso-time.ts'
import { planQuery } from '../../src/transport/query-plan.ts'
import { runQueryPlan } from '../../src/transport/run-query-plan.ts'

const FIELDS = `
  text: String
  need: String!
  number: Int!
  own: String
  mustOwn: Int!
  ownList: [String!]
  echo(first: Int! = 2, tag: String): String
  node: Node
  must: Node!
  nodes: [Node]
  all: [Node!]!
  grid: [[Int!]]
  thing: Thing
  things: [Thing!]
`

const schema = createWorldSchema()

/** What a field gives, by the dice of its place: the same in both executions. */
interface Source {
  path: string
  dice: (place: string, sides: number) => number
}

const fragments = `
  fragment OnNode on Node { text must { need own } ...OnThing }
  fragment OnThing on Thing { need ... on Node { number } }
`

test('a planned query has the results and errors of graphql-js', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryQuery(), fc.nat(), fc.constantFrom(0, 1, 8), async (text, seed, faults) => {
      const document = parse(text)
      fc.pre(validate(schema, document).length === 0)
      const plan = planQuery(schema, document, undefined)
      if (plan === undefined) throw new Error(`No plan of ${text}`)
      const world = () => createSource('', seed, faults)
      const args = { schema, document, variableValues: { n: 3 }, contextValue: {} }
      const expected = (await execute({ ...args, rootValue: world() })) as ExecutionResult
      const variables = { coerced: { n: 3 }, sources: {} }
      const run = { plan, rootValue: world(), contextValue: {}, variables, toIso: createIsoTimes() }
      // Twice: the second time all selections are planned.
      for (const result of [await runQueryPlan(run), await runQueryPlan({ ...run, rootValue: world() })]) {
        expect(JSON.parse(JSON.stringify(result.data))).toEqual(JSON.parse(JSON.stringify(expected.data)))
        expectSameErrors(result, expected)
      }
    }),
    { numRuns: 500 },
  )
})

test('keys come in the order in which they are asked for, promises or not', async () => {
  const text = '{ z: must { own number } echo a: text node { need } b: echo(first: 7) }'
  const plan = planQuery(schema, parse(text), undefined)
  if (plan === undefined) throw new Error('No plan')
  const variables = { coerced: {}, sources: {} }
  const rootValue = createSource('', 1, 0)
  const { data } = await runQueryPlan({ plan, rootValue, contextValue: {}, variables, toIso: createIsoTimes() })
  expect(Object.keys(data ?? {})).toEqual(['z', 'echo', 'a', 'node', 'b'])
})

test('promises beside an error are heard when they reject', async () => {
  const text = '{ strict { need } must { need } }'
  const late = async (message: string) => {
    await nextTurn()
    throw new Error(message)
  }
  const made = buildSchema('type Query { strict: [Item!]! must: Item! } type Item { need: String! }')
  const plan = planQuery(made, parse(text), undefined)
  if (plan === undefined) throw new Error('No plan')
  const rootValue = {
    strict: [late('first'), { need: () => late('second') }, { need: null }, late('last')],
    must: late('must'),
  }
  const variables = { coerced: {}, sources: {} }
  const { errors } = await runQueryPlan({ plan, rootValue, contextValue: {}, variables, toIso: createIsoTimes() })
  expect(errors).toHaveLength(1)
  await nextTurn()
})

test.each([
  'mutation { text }',
  '{ __schema { types { name } } }',
  'query ($on: Boolean!) { text @include(if: $on) }',
  '{ __proto__: text }',
  'query A { text } query B { text }',
])('%s has no plan', (text) => {
  expect(planQuery(schema, parse(text), undefined)).toBeUndefined()
})

test('fragments that repeat each other are planned no further than they are executed', () => {
  const doubled = Array.from(
    { length: 60 },
    (_, i) => `fragment F${i} on Node { a${i}: node { ...F${i + 1} } b${i}: node { ...F${i + 1} } }`,
  )
  const text = `{ node { ...F0 } } ${doubled.join(' ')} fragment F60 on Node { text }`
  const plan = planQuery(schema, parse(text), undefined)
  expect(plan?.size).toBe(1)
})

test('a time is written as it writes itself', () => {
  const toIso = createIsoTimes()
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true }), (time) => {
      expect(toIso(time)).toBe(time.toISOString())
    }),
  )
})

/**
 * Wherever there is null for an error, both tell one, and tell the same of the same field. Which of
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

function createWorldSchema() {
  const made = buildSchema(`
    interface Thing { need: String! own: String }
    type Query { ${FIELDS} }
    type Node implements Thing { ${FIELDS} }
    type Other implements Thing { need: String! own: String text: String }
  `)
  for (const type of ['Query', 'Node', 'Other'].map((name) => made.getType(name))) {
    for (const field of Object.values(isObjectType(type) ? type.getFields() : {})) {
      if (/own/i.test(field.name)) continue
      field.resolve = (source: Source, args, _, info) => {
        const place = `${source.path}.${String(info.path.key)}${JSON.stringify(args)}`
        return outcome(source, place, () => makeValue(source, place, String(info.returnType), args))
      }
    }
  }
  return made
}

/** A value, or what may come instead of it; later, or at once. Items are there at once, since graphql-js leaves some that reject to nobody. */
function outcome(source: Source, place: string, value: () => unknown, isItem = false): unknown {
  const isLate = !isItem && source.dice(`${place} late`, 2) === 1
  const fault = source.dice(`${place} fault`, 10)
  const give = () => {
    if (fault === 0) return null
    if (fault === 1 && !isItem) throw new TypeError(`thrown at ${place}`)
    if (fault === 1) return new TypeError(`returned for ${place}`)
    if (fault === 2) return new Error(`returned at ${place}`)
    return value()
  }
  return isLate ? Promise.resolve().then(give) : give()
}

function makeValue(source: Source, place: string, type: string, args: object): unknown {
  const inner = /^\[(.*)\]!?$/.exec(type)?.[1]
  if (inner !== undefined) {
    return Array.from({ length: source.dice(place, 4) }, (_, index) => {
      const at = `${place}.${index}`
      return outcome(source, at, () => makeValue(source, at, inner, args), true)
    })
  }
  const scalar = type.replace('!', '')
  if (scalar === 'String') return `${place} ${JSON.stringify(args)}`
  if (scalar === 'Int') return source.dice(`${place} fits`, 12) === 3 ? 'no number' : source.dice(place, 100)
  const __typename = scalar === 'Thing' ? (['Node', 'Other', 'Nothing'] as const)[source.dice(place, 3) % 2] : scalar
  return { ...createSourceAt(place, source.dice), __typename }
}

/** With a tenth of `faults` of its values missing or broken. */
function createSource(path: string, seed: number, faults: number): Source {
  return createSourceAt(path, (place, sides) => {
    let hash = seed
    for (const letter of place) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) | 0
    const rolled = (Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 3) % sides
    const isFault = place.endsWith('fault')
    return isFault && (Math.imul(hash, 0x297a2d39) >>> 5) % 10 >= faults ? 9 : rolled
  })
}

function createSourceAt(path: string, dice: Source['dice']) {
  const missing = dice(`${path} own fault`, 10) < 2
  return {
    path,
    dice,
    own: missing ? null : `own of ${path}`,
    mustOwn: missing ? undefined : dice(`${path} mustOwn`, 40),
    ownList: ['a', missing ? null : 'b'],
  }
}

function arbitraryQuery(): fc.Arbitrary<string> {
  const leaves = [
    'text',
    'need',
    'number',
    'own',
    'mustOwn',
    'ownList',
    'grid',
    '__typename',
    'echo',
    't: text',
    'n2: need',
  ]
  const args = ['e1: echo(first: 4)', 'e2: echo(tag: "x", first: $n)', 'e3: echo(tag: null)', 'e4: echo(first: $n)']
  const { selection } = fc.letrec<{ selection: string; field: string }>((tie) => ({
    field: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'depth' },
      fc.constantFrom(...leaves, ...args),
      fc
        .tuple(fc.constantFrom('node', 'must', 'nodes', 'all', 'm2: must', 'a2: all'), tie('selection'))
        .map(([field, inner]) => `${field} { ${inner} }`),
      fc.constantFrom(
        'thing { ...OnThing __typename }',
        'things { own ...OnNode ... on Other { text } }',
        'node { ...OnNode }',
      ),
    ),
    selection: fc.array(tie('field'), { minLength: 1, maxLength: 5, depthIdentifier: 'depth' }).map((f) => f.join(' ')),
  }))
  return selection.map((fields) => {
    const used = fields.includes('...On') ? fragments : ''
    const wrapped = used ? `${fields} node { ...OnNode }` : fields
    return `query${fields.includes('$n') ? ' ($n: Int!)' : ''} { ${wrapped} } ${used}`
  })
}
