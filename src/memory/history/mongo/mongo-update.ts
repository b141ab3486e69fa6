import type { UpdateFilter } from 'mongodb'
import { omitAbsent } from '../omit-absent.ts'

/** An update that sets values and removes those that are null; undefined when it would do nothing. */
export function updateOf<Document extends object>(
  values: {
    [Name in keyof Document]?: Document[Name] | null | undefined
  },
): UpdateFilter<Document> | undefined {
  const removed = Object.entries(values).filter(([, value]) => value === null)
  const $set = omitAbsent(values)
  const update = {
    ...(Object.keys($set).length > 0 && { $set }),
    ...(removed.length > 0 && { $unset: Object.fromEntries(removed.map(([name]) => [name, true])) }),
  }
  return Object.keys(update).length > 0 ? (update as UpdateFilter<Document>) : undefined
}
