/** Joins deltas as a provider cut them. */
export interface TextJoiner {
  push(text: string): void
  /** Nothing more comes: what is still held back becomes U+FFFD. */
  flush(): void
}

/**
 * Passes text on as it comes, but never half of a surrogate pair: a first half at the end of a delta is held
 * back for the next one. Halves that have no other half become U+FFFD, as they would in UTF-8.
 */
export function createTextJoiner(onText: (text: string) => void): TextJoiner {
  let held = ''

  function emit(text: string): void {
    if (text !== '') onText(text.toWellFormed())
  }

  function push(text: string): void {
    const joined = held + text
    held = endsInFirstHalf(joined) ? joined.slice(-1) : ''
    emit(held === '' ? joined : joined.slice(0, -1))
  }

  function flush(): void {
    const rest = held
    held = ''
    emit(rest)
  }

  return { push, flush }
}

function endsInFirstHalf(text: string): boolean {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff
}
