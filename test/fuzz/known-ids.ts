import type { KnownKind } from './arbitrary-value.ts'

/** The ids and cursors that a server gave out, as far as a client remembers them. */
export interface KnownIds {
  /** Takes what an answer holds. */
  learn(answer: string): void
  /** One of them, or a word that never was one. */
  get(kind: KnownKind, at: number): string
  /** From here on nothing changes, so that a step can be repeated. */
  freeze(): void
}

const PATTERNS: Record<KnownKind, RegExp> = {
  conversation: /"(conv_[a-z0-9]{26})"/g,
  message: /"(msg_\w+)"/g,
  reply: /"(rep_\w+)"/g,
  cursor: /"\w*[cC]ursor":"([^"\\]+)"/g,
}
/** Few, so that clients meet at the same things. */
const REMEMBERED = 12
const MAX_READ_CHARS = 100_000

export function createKnownIds(): KnownIds {
  const ids: Record<KnownKind, string[]> = { conversation: [], message: [], reply: [], cursor: [] }
  let isFrozen = false

  function learn(answer: string): void {
    if (isFrozen) return
    const text = answer.slice(0, MAX_READ_CHARS)
    for (const kind of Object.keys(PATTERNS) as KnownKind[]) {
      for (const [, id = ''] of text.matchAll(PATTERNS[kind])) remember(ids[kind], id)
    }
  }

  function get(kind: KnownKind, at: number): string {
    const known = ids[kind]
    return known[at % Math.max(known.length, 1)] ?? `${kind}-unknown`
  }

  function freeze(): void {
    isFrozen = true
  }

  return { learn, get, freeze }
}

function remember(known: string[], id: string): void {
  if (known.includes(id)) return
  known.push(id)
  if (known.length > REMEMBERED) known.shift()
}
