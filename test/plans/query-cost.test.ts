import fc from 'fast-check'
import { buildSchema, type GraphQLField, type GraphQLSchema, getOperationAST, isObjectType, parse } from 'graphql'
import { expect, test } from 'vitest'
import { createPlanCache } from '../../src/plans/plan-cache.ts'
import { costOf, type FieldCost } from '../../src/plans/query-cost.ts'
import { fragmentsOf } from '../../src/plans/query-plan.ts'
import { createBounds } from '../support/execution-bounds.ts'

const schema = createCostSchema()

test.each([
  ['a field costs its weight', '{ text heavy }', 11],
  ['a list has the items that its arguments ask for', '{ list(first: 7) { text text2: text } }', 1 + 7 * 2],
  ['and five by default', '{ plain { text } }', 1 + 5],
  ['a list of leaves costs its items', '{ words }', 1 + 5],
  [
    'lists in a page have the items of the page',
    '{ page(first: 9) { items { text } total ids } }',
    1 + (1 + 9) + 1 + (1 + 9),
  ],
  ['what is no list in a page counts once', '{ page(first: 9) { info { text plain { text } } } }', 1 + 1 + 1 + (1 + 5)],
  ['lists in lists multiply', '{ list(first: 7) { list(first: 3) { text } } }', 1 + 7 * (1 + 3)],
  [
    'a fragment counts wherever it is spread',
    '{ ...F a: list(first: 2) { ...G } } fragment F on Query { x: text } fragment G on Item { text }',
    1 + 1 + 2,
  ],
  [
    'an interface costs what its dearest type does',
    '{ any { ... on Item { text } ... on Other { a: text b: text } } }',
    1 + 2,
  ],
  ['a size that is no size asks for nothing', '{ list(first: -3) { text } }', 1],
])('%s', (_, text, cost) => {
  expect(costIn(text)).toBe(cost)
})

test.each([
  ['{ text }', 0],
  ['{ heavy a: heavy }', 4],
  ['{ list(first: 7) { item { long(chars: 3) } } }', 21],
  ['{ list(first: 7) { ...F } any { ... on Item { long(chars: 2) } } } fragment F on Item { long(chars: 1) }', 9],
])('texts that may be long are counted in pages: %s', (text, pages) => {
  expect(weighed(text).pages).toBe(pages)
})

test('sizes in variables count, and their defaults', () => {
  expect(costIn('query ($n: Int) { list(first: $n) { text } }', { n: 4 })).toBe(5)
  expect(costIn('query ($n: Int) { list(first: $n) { text } }')).toBe(1 + 5)
})

test('what doubles is weighed in the time of the document, however much it is', () => {
  const fragments = Array.from(
    { length: 300 },
    (_, at) => `fragment F${at} on Item { a: item { ...F${at + 1} } b: item { ...F${at + 1} } }`,
  )
  expect(costIn(`{ item { ...F0 } } ${fragments.join(' ')} fragment F300 on Item { text }`)).toBe(
    Number.MAX_SAFE_INTEGER,
  )
})

test('nothing costs less than it answers where sizes are kept', () => {
  fc.assert(
    fc.property(arbitrarySelection(), (text) => {
      expect(costIn(`{ ${text} }`)).toBeGreaterThanOrEqual(leavesOf(text))
    }),
  )
})

test('an operation is weighed again only when a size in its variables changes', () => {
  let weighed = 0
  const counted = createCostSchema(() => {
    weighed += 1
  })
  const plans = createPlanCache({ bounds: createBounds({ maxCost: 50 }) })
  const document = parse('query ($n: Int, $tag: String) { list(first: $n) { text tagged(tag: $tag) } }')
  const prepare = (variableValues: object) => () =>
    plans.prepare({ schema: counted, document, variableValues: { ...variableValues } })
  prepare({ n: 3, tag: 'a' })()
  prepare({ n: 3, tag: 'b' })()
  expect(weighed).toBe(1)
  expect(prepare({ n: 30 })).toThrow('at most a cost of 50; got 61, most of it for list')
  expect(prepare({ n: 4 })).not.toThrow()
  expect(weighed).toBe(3)
})

function costIn(text: string, variables = {}): number {
  return weighed(text, variables).cost
}

function weighed(text: string, variables = {}) {
  const document = parse(text)
  const operation = getOperationAST(document)
  if (!operation) throw new Error('No operation')
  return costOf(schema, operation, fragmentsOf(document), variables)
}

function createCostSchema(onWeigh = () => {}): GraphQLSchema {
  const fields =
    'text: String item: Item any: Thing list(first: Int): [Item] plain: [Item!]! words: [String!]! page(first: Int): Page'
  const made = buildSchema(`
    type Query { ${fields} heavy: String }
    interface Thing { text: String }
    type Item implements Thing { ${fields} tagged(tag: String): String long(chars: Int): String }
    type Other implements Thing { text: String }
    type Page { items: [Item!]! info: Item total: Int ids: String }
  `)
  const items = ({ first }: Readonly<Record<string, unknown>>) => {
    onWeigh()
    return first === undefined ? 5 : Number(first)
  }
  for (const name of ['Query', 'Item']) {
    for (const field of ['list', 'page']) extend(fieldOf(made, name, field), { items })
  }
  extend(fieldOf(made, 'Query', 'heavy'), { weight: 10, pages: 2 })
  extend(fieldOf(made, 'Item', 'long'), { pages: ({ chars }) => Number(chars) })
  extend(fieldOf(made, 'Page', 'ids'), { hasItems: true })
  return made
}

function fieldOf(made: GraphQLSchema, name: string, field: string): GraphQLField<unknown, unknown> {
  const type = made.getType(name)
  const found = isObjectType(type) ? type.getFields()[field] : undefined
  if (found === undefined) throw new Error(`No ${name}.${field}`)
  return found
}

function extend(field: GraphQLField<unknown, unknown>, cost: FieldCost): void {
  Object.assign(field, { extensions: { cost } })
}

/** Nested lists, as text. */
function arbitrarySelection(): fc.Arbitrary<string> {
  const { field } = fc.letrec<{ field: string }>((tie) => ({
    field: fc.oneof(
      { maxDepth: 4 },
      fc.constant('text'),
      fc
        .tuple(fc.nat(9), fc.array(tie('field'), { minLength: 1, maxLength: 3 }))
        .map(([first, inner]) => `list(first: ${first}) { ${inner.join(' ')} }`),
    ),
  }))
  return field
}

/** What a selection answers when every list is as long as it was asked for. */
function leavesOf(text: string): number {
  let sum = 0
  const times = [1]
  for (const [word, first] of text.matchAll(/list\(first: (\d+)\)|text|\}/g)) {
    const now = times.at(-1) ?? 1
    if (word === 'text') sum += now
    else if (word === '}') times.pop()
    else times.push(now * Number(first))
  }
  return sum
}
