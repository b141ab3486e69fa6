import { type AppendedRows, TAIL_LENGTH_PER_TOKEN, type Tail } from './cache.ts'
import { forksAbove } from './tail-forks.ts'
import { ROW_SEPARATOR, tokensOfRow } from './tail-row.ts'

/**
 * The tail with the appended rows behind it and its front trimmed to `tailTokens` and their characters, rows as text.
 * Undefined when that left a hole, brought nothing new, or the tail is of another branch.
 */
export function joinTail(tail: Tail, appended: AppendedRows, tailTokens: number): Tail | undefined {
  if (tail.branch !== appended.branch || appended.first - 1 > tail.last || tail.last >= appended.last) return undefined
  const known = cutFront(appended.rows, ({ count }) => count <= tail.last - appended.first)
  const joined = tail.rows === '' ? known.rest : `${tail.rows}${ROW_SEPARATOR}${known.rest}`
  const tokens = tail.tokens + appended.tokens - known.tokens
  const length = TAIL_LENGTH_PER_TOKEN * tailTokens
  const isTooMuch = (cut: Cut) => tokens - cut.tokens > tailTokens || joined.length - cut.length > length
  const trimmed = cutFront(joined, isTooMuch)
  const first = tail.first + trimmed.count
  return {
    ...tail,
    forks: forksAbove(tail.forks, first),
    first,
    last: appended.last,
    tokenStart: tail.tokenStart + trimmed.tokens,
    tokens: tokens - trimmed.tokens,
    knownFrom: trimmed.count === 0 ? tail.knownFrom : tail.tokenStart + trimmed.tokens - trimmed.lastTokens + 1,
    rows: trimmed.rest,
  }
}

interface Cut {
  count: number
  tokens: number
  /** Of the last row that was taken. */
  lastTokens: number
  /** With the separators. */
  length: number
}

/** Takes rows off the front for as long as `goOn` says of what was taken so far. */
function cutFront(rows: string, goOn: (cut: Cut) => boolean): Cut & { rest: string } {
  const cut = { count: 0, tokens: 0, lastTokens: 0, length: 0 }
  while (cut.length < rows.length && goOn(cut)) {
    cut.lastTokens = tokensOfRow(rows, cut.length)
    cut.tokens += cut.lastTokens
    cut.count++
    const separator = rows.indexOf(ROW_SEPARATOR, cut.length)
    cut.length = separator < 0 ? rows.length : separator + ROW_SEPARATOR.length
  }
  return { ...cut, rest: rows.slice(cut.length) }
}
