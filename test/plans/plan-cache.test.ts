import { buildSchema, parse } from 'graphql'
import { expect, test, vi } from 'vitest'
import { executePlan } from '../../src/plans/execute-plan.ts'
import { createPlanCache } from '../../src/plans/plan-cache.ts'

const schema = buildSchema(
  'type Query { node: Item! slow: Item } type Item { node: Item! text: String items: [Item!]! }',
)
const item = {
  text: 'x',
  get node() {
    return item
  },
}

test('all plans together keep a bounded number of fields', async () => {
  const plans = createPlanCache({ maxFields: 50 })
  const documents = Array.from({ length: 40 }, (_, index) =>
    parse(`{ node { a${index}: text b: text node { text } } }`),
  )
  const first = plans.prepare({ schema, document: documentAt(0) })
  for (const document of documents) {
    const execution = plans.prepare({ schema, document, rootValue: item })
    if (execution === undefined) throw new Error('No plan')
    expect(await executePlan(execution)).toMatchObject({ data: { node: { b: 'x' } } })
    expect(plans.size).toBeLessThanOrEqual(50)
  }
  expect(plans.prepare({ schema, document: documentAt(0) })?.plan).not.toBe(first?.plan)

  function documentAt(index: number) {
    const document = documents[index]
    if (document === undefined) throw new Error('No document')
    return document
  }
})

test('a plan is kept with its document', () => {
  const plans = createPlanCache()
  const document = parse('{ node { text } }')
  expect(plans.prepare({ schema, document })?.plan).toBe(plans.prepare({ schema, document })?.plan)
})

test('an execution that is aborted resolves nothing more, and says so', async () => {
  const controller = new AbortController()
  const read = vi.fn(() => 'x')
  const slow = Promise.withResolvers<object>()
  const rootValue = { slow: () => slow.promise, node: { text: 'x' } }
  const document = parse('{ node { text } slow { items { text: text } text } }')
  const execution = createPlanCache().prepare({ schema, document, rootValue, abortSignal: controller.signal })
  if (execution === undefined) throw new Error('No plan')
  const result = executePlan(execution)
  controller.abort()
  slow.resolve({ text: read, items: [{ text: read }] })
  expect(await result).toEqual({
    data: null,
    errors: [expect.objectContaining({ message: 'The operation was aborted.' })],
  })
  expect(read).not.toHaveBeenCalled()
})

test('resolvers get the signal of their execution', async () => {
  const { signal } = new AbortController()
  const made = buildSchema('type Query { text: String }')
  const seen: unknown[] = []
  Object.assign(made.getQueryType()?.getFields().text ?? {}, {
    resolve: (...[, , , info]: [unknown, unknown, unknown, { getAbortSignal(): unknown }]) =>
      void seen.push(info.getAbortSignal()),
  })
  const execution = createPlanCache().prepare({ schema: made, document: parse('{ text }'), abortSignal: signal })
  if (execution === undefined) throw new Error('No plan')
  await executePlan(execution)
  expect(seen).toEqual([signal])
})
