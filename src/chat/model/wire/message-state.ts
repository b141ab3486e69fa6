import { isDeepStrictEqual } from 'node:util'
import type { Json } from '../../../memory/message.ts'

/** What a provider wants back with its message, as it comes. */
export interface MessageState {
  /** Lists come in pieces, but a message may say again all that came; everything else counts as it came last. */
  add(kept: { readonly [field: string]: Json }, isMessage: boolean): void
  /** All of it; undefined where that is nothing. */
  read(): { [field: string]: Json } | undefined
}

/** Nothing at first; `count` is called with the characters of all that is kept. */
export function createMessageState(count: (characters: number) => void): MessageState {
  const state = new Map<string, Json>()

  function add(kept: { readonly [field: string]: Json }, isMessage: boolean): void {
    for (const [field, value] of Object.entries(kept)) {
      const before = state.get(field)
      if (!Array.isArray(before) || !Array.isArray(value)) keep(field, value)
      else append(before, isMessage ? newItems(value, before) : value)
    }
  }

  function keep(field: string, value: Json): void {
    count(JSON.stringify(value).length)
    state.set(field, value)
  }

  function append(before: Json[], items: readonly Json[]): void {
    count(JSON.stringify(items).length)
    for (const item of items) before.push(item)
  }

  return { add, read: () => (state.size > 0 ? Object.fromEntries(state) : undefined) }
}

function newItems(items: readonly Json[], before: readonly Json[]): readonly Json[] {
  const saysAgain = items.length >= before.length && before.every((item, at) => isDeepStrictEqual(item, items[at]))
  return saysAgain ? items.slice(before.length) : items
}
