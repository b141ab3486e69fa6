import type { Fields } from './fields.ts'
import { SILENT_EVENT } from './unknown-shapes.ts'

/** What says nothing beside a text. */
const QUIET_FIELDS = new Set([...SILENT_EVENT, 'choices', 'index', 'delta'])

/** The text of an event that holds nothing else, as nearly all do: to look for all else would take three times as long. */
export function plainTextOf(event: Fields): string | undefined {
  const { choices } = event
  if (!Array.isArray(choices) || choices.length !== 1) return undefined
  const choice: Fields = choices[0] ?? {}
  const delta = choice.delta as Fields | null | undefined
  if (choice.index !== 0 || choice.finish_reason || !delta) return undefined
  for (const field in event) if (!QUIET_FIELDS.has(field) && event[field]) return undefined
  for (const field in choice) if (!QUIET_FIELDS.has(field) && choice[field]) return undefined
  const { content } = delta
  if (typeof content !== 'string' || content === '') return undefined
  for (const field in delta) if (field !== 'content' && field !== 'role' && delta[field] !== null) return undefined
  return content
}
