import { readFileSync, writeFileSync } from 'node:fs'
import { lexicographicSortSchema, printSchema } from 'graphql'
import { createSchema } from '../schema/schema.ts'

const FILE = new URL('../../schema.graphql', import.meta.url)

/** The schema as schema.graphql holds it: sorted, so that a change of the code's order changes nothing. */
export function printSortedSchema(): string {
  return `${printSchema(lexicographicSortSchema(createSchema()))}\n`
}

/** Writes schema.graphql or, when only checking, says whether it is what the code makes. */
function run(isCheck: boolean): string | undefined {
  const printed = printSortedSchema()
  if (!isCheck) writeFileSync(FILE, printed)
  return readFileSync(FILE, 'utf8') === printed
    ? undefined
    : 'schema.graphql is not what the code makes: npm run schema'
}

if (import.meta.main) {
  const fault = run(process.argv.includes('--check'))
  if (fault !== undefined) {
    console.error(fault)
    process.exitCode = 1
  }
}
