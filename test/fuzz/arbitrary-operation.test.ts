import fc from 'fast-check'
import { OperationTypeNode, parse, validate } from 'graphql'
import { expect, test } from 'vitest'
import { createSchema } from '../../src/schema/schema.ts'
import { arbitraryOperation, type Selection } from './arbitrary-operation.ts'
import { printOperation } from './print-operation.ts'

const words = { known: (kind: string, at: number) => `${kind}_${at}`, mark: (text: string) => text }

test('every operation that is made up is valid', () => {
  const schema = createSchema()
  fc.assert(
    fc.property(arbitraryOperation(schema), (operation) => {
      const { query } = printOperation(operation, words)
      expect(validate(schema, parse(query)).map(({ message }) => message)).toEqual([])
    }),
    { numRuns: 1_000 },
  )
})

test('every field of the roots is selected', () => {
  const schema = createSchema()
  const operations = fc.sample(arbitraryOperation(schema), { numRuns: 2_000, seed: 1 })
  const chosen = new Set(
    operations.flatMap(({ kind, selections }) => selections.map((one) => `${kind} ${fieldOf(one)}`)),
  )
  for (const kind of Object.values(OperationTypeNode)) {
    for (const name of Object.keys(schema.getRootType(kind)?.getFields() ?? {}))
      expect(chosen).toContain(`${kind} ${name}`)
  }
})

function fieldOf(selection: Selection): string {
  return 'field' in selection ? selection.field : ''
}
