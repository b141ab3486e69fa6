import type { Usage } from '../../../memory/message.ts'
import { namesOf } from './dialects/dialect.ts'
import { USAGE_NUMBERS, USAGE_PLACES, type UsageNumber } from './dialects/usage-dialects.ts'
import { countOf, type Fields, fieldsOf } from './fields.ts'
import { saysWhetherDone } from './finish-words.ts'

type Counts = Partial<Record<UsageNumber, number>>

/** The provider's numbers of one answer, as they come. */
export interface UsageReader {
  /** Whether an event or one of its choices brought numbers. */
  add(event: Fields): boolean
  /** All that is known; undefined while the tokens of the prompt or of the answer are not. */
  usage(): Usage | undefined
}

const PLACES = namesOf(USAGE_PLACES, 'usage').map(pathOf)
/** The fields of an event or a choice in which they stand. */
export const USAGE_ROOTS: readonly string[] = PLACES.map(([root = '']) => root)
const COUNTS = [...new Set(USAGE_NUMBERS.map(({ reads }) => reads))]
const NUMBERS = COUNTS.map((count) => [count, namesOf(USAGE_NUMBERS, count).map(pathOf)] as const)

/** Reads usage wherever it stands; of several the last counts, number by number, but zeros are no news. */
export function createUsageReader(): UsageReader {
  let counts: Counts = {}

  function add(event: Fields): boolean {
    const stated = PLACES.map((path) => fieldsOf(valueAt(event, path))).find((usage) => usage !== undefined)
    const found = stated ?? (saysWhetherDone(event) ? event : undefined)
    const numbers = found ? countsOf(found) : {}
    const isNews = Object.values(numbers).some((count) => count > 0)
    if (isNews || Object.keys(counts).length === 0) counts = { ...counts, ...numbers }
    return isNews
  }

  function usage(): Usage | undefined {
    const { promptTokens, completionTokens } = counts
    if (promptTokens === undefined || completionTokens === undefined) return undefined
    return { ...counts, promptTokens, completionTokens, estimated: false }
  }

  return { add, usage }
}

function countsOf(usage: Fields): Counts {
  const counts: Counts = {}
  for (const [name, paths] of NUMBERS) {
    const count = paths.map((path) => countOf(valueAt(usage, path))).find((value) => value !== undefined)
    if (count !== undefined) counts[name] = count
  }
  return counts
}

function valueAt(fields: Fields, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, field) => fieldsOf(value)?.[field], fields)
}

function pathOf(name: string): string[] {
  return name.split('.')
}
