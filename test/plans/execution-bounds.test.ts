import { setImmediate as nextTurn } from 'node:timers/promises'
import { buildSchema, type GraphQLResolveInfo, parse } from 'graphql'
import { expect, test, vi } from 'vitest'
import { executePlan } from '../../src/plans/execute-plan.ts'
import type { ExecutionBounds } from '../../src/plans/execution-bounds.ts'
import { createPlanCache } from '../../src/plans/plan-cache.ts'
import { createBounds } from '../support/execution-bounds.ts'

const schema = buildSchema(`
  scalar Json
  type Query { items: [Item!]! text: String json: Json fails: [String] numbers: [Int!] }
  type Mutation { items: [Item!]! text: String }
  type Item { text: String need: String! late: String items: [Item!]! }
`)
const aliases = (field: string, count: number) => Array.from({ length: count }, (_, at) => `a${at}: ${field}`).join(' ')

test.each([
  ['fields', `{ items { ${aliases('text', 20)} } }`, { maxExecutedCost: 1_000 }, 'at most a cost of 1000; got more'],
  ['texts', `{ ${aliases('text', 30)} }`, { maxLength: 1_000 }, 'at most an answer of 1000 bytes; got more'],
  ['JSON', `{ ${aliases('json', 30)} }`, { maxLength: 1_000 }, 'at most an answer of 1000 bytes; got more'],
  ['scalars in lists', `{ ${aliases('numbers', 20)} }`, { maxExecutedCost: 1_000 }, 'at most a cost of 1000; got more'],
  ['errors', '{ fails }', { maxExecutedCost: 1_000 }, 'at most a cost of 1000; got more'],
  [
    'a mutation',
    `mutation { ${aliases('items { text }', 20)} }`,
    { maxExecutedCost: 1_000 },
    'at most a cost of 1000; got more',
  ],
])('an execution with too much of one thing ends: %s', async (_, text, bounds, message) => {
  const rootValue = {
    items: Array.from({ length: 100 }, () => ({ text: 'x' })),
    text: 'x'.repeat(100),
    json: { a: [1, 2, { b: 'x'.repeat(100) }] },
    numbers: Array.from({ length: 100 }, (_, at) => at),
    fails: Array.from({ length: 100 }, () => new Error('no')),
  }
  const { errors, data } = await executePlan(prepare(text, rootValue, bounds))
  expect(errors).toEqual([expect.objectContaining({ message, path: expect.anything() })])
  expect(data).toBeNull()
})

test('what is within its bounds is answered whole', async () => {
  const rootValue = { text: 'x'.repeat(100) }
  const { data, errors } = await executePlan(prepare('{ text }', rootValue, { maxLength: 110, maxExecutedCost: 1 }))
  expect([data, errors]).toEqual([rootValue, undefined])
})

test('a large list gives way to others, and keeps its order', async () => {
  const items = Array.from({ length: 500 }, (_, at) => ({
    text: String(at),
    late: at % 3 ? Promise.resolve('late') : null,
  }))
  const execution = prepare(
    '{ items { text late items { text } } }',
    { items: items.map((item) => ({ ...item, items })) },
    { costOfTurn: 1_000 },
  )
  let turns = 0
  let isDone = false
  const result = Promise.resolve(executePlan(execution)).finally(() => {
    isDone = true
  })
  for (; !isDone; turns += 1) await nextTurn()
  expect(turns).toBeGreaterThan(10)
  expect((await result).data).toEqual({
    items: await Promise.all(
      items.map(async ({ text, late }) => ({
        text,
        late: await late,
        items: items.map((item) => ({ text: item.text })),
      })),
    ),
  })
})

test('a long list of scalars gives way to others', async () => {
  const numbers = Array.from({ length: 1_000 }, (_, at) => at)
  const next = vi.fn(() => nextTurn())
  const { data } = await executePlan(prepare('{ numbers }', { numbers }, { costOfTurn: 100, turns: { next } }))
  expect(data).toEqual({ numbers })
  expect(next.mock.calls.length).toBeGreaterThan(5)
})

test('a client that leaves stops a list between two turns', async () => {
  const controller = new AbortController()
  const read = vi.fn(() => 'x')
  const items = Array.from({ length: 1_000 }, () => ({ text: read }))
  const result = executePlan({
    ...prepare('{ items { text } }', { items }, { costOfTurn: 100 }),
    signal: controller.signal,
  })
  controller.abort()
  expect((await result).errors).toMatchObject([{ message: 'The operation was aborted.' }])
  expect(read.mock.calls.length).toBeLessThan(200)
})

test('promises that reject while a list waits for its turn are handled', async () => {
  const items = () => Array.from({ length: 300 }, (_, at) => ({ need: at === 1 ? reject() : 'x' }))
  const late = () => Array.from({ length: 300 }, reject)
  for (const make of [items, late, () => [...items(), ...late()]]) {
    const { errors, data } = await executePlan(prepare('{ items { need } }', { items: make() }, { costOfTurn: 10 }))
    expect([errors?.length, data]).toEqual([1, null])
  }
  await nextTurn()
})

test('only a result that takes long to be written is large', async () => {
  const large: object[] = []
  const onLarge = async (data: object) => void large.push(data)
  await executePlan(prepare('{ text }', { text: 'x' }, { onLarge }))
  const { data } = await executePlan(prepare('{ text }', { text: 'x'.repeat(200_000) }, { onLarge }))
  expect(large).toEqual([data])
})

test('a large result is written before it is given, unless nobody wants it any more', async () => {
  const document = '{ text }'
  const rootValue = { text: 'x'.repeat(200_000) }
  const failing = prepare(document, rootValue, { onLarge: () => Promise.reject(new Error('too large')) })
  expect(await executePlan(failing)).toMatchObject({ errors: [{ message: 'too large' }], data: null })
  for (const text of ['{ text }', 'mutation { text }']) {
    const controller = new AbortController()
    const onLarge = (_: object, client?: AbortSignal) => {
      controller.abort()
      return client?.aborted ? Promise.reject(client.reason) : Promise.resolve()
    }
    const execution = { ...prepare(text, rootValue, { onLarge }), client: controller.signal }
    expect(await executePlan(execution)).toMatchObject({ errors: [{ message: 'The operation was aborted.' }] })
  }
})

test('what resolvers have begun is told when the execution is over its bounds', async () => {
  const signals: (AbortSignal | undefined)[] = []
  const text = (_: object, __: object, info: GraphQLResolveInfo) => {
    signals.push(info.getAbortSignal())
    return 'x'.repeat(100)
  }
  const { errors } = await executePlan(prepare(`{ ${aliases('text', 30)} }`, { text }, { maxLength: 1_000 }))
  expect(errors).toHaveLength(1)
  expect(new Set(signals.map((signal) => signal?.aborted))).toEqual(new Set([true]))
})

function reject(): Promise<never> {
  return Promise.reject(new Error('no'))
}

function prepare(text: string, rootValue: object, changes: Partial<ExecutionBounds>) {
  const execution = createPlanCache({ bounds: createBounds(changes) }).prepare({
    schema,
    document: parse(text),
    rootValue,
  })
  if (execution === undefined) throw new Error('No plan')
  return execution
}
