import { createMessageIds } from '../ids.ts'
import type { Head, Message } from '../message.ts'
import { TAIL_LENGTH_PER_TOKEN, type Tail } from './cache.ts'
import { branchesFrom, forksAbove, joinForks } from './tail-forks.ts'
import { decodeRow, encodeRow, joinRows, leastLength, ROW_LENGTH, ROW_SEPARATOR, tokensOfRow } from './tail-row.ts'

/**
 * The newest messages of a tail down to `fromTokens` (the lowest `tokenStart` wanted), oldest first.
 * Parses only these. Undefined when the rows are not what the tail says: then it is junk, a miss.
 */
export function decodeTail(conversationId: string, tail: Tail, fromTokens: number): Message[] | undefined {
  try {
    const cut = cutRows(tail, fromTokens)
    if (cut === undefined) return undefined
    const values = JSON.parse(`[${cut.rows}]`) as unknown[]
    const first = tail.last + 1 - values.length / ROW_LENGTH
    const branches = branchesFrom(tail, first)
    let { tokenStart } = cut
    let { branch } = tail
    let idOf = createMessageIds(conversationId, branch)
    const messages: Message[] = []
    for (let at = 0, sequence = first; at < values.length; at += ROW_LENGTH, sequence += 1) {
      const its = branches?.[sequence - first] ?? branch
      if (its !== branch) idOf = createMessageIds(conversationId, its)
      branch = its
      const message = decodeRow(values, at, { id: idOf(sequence), conversationId, branch, sequence, tokenStart })
      messages.push(message)
      tokenStart += message.tokens
    }
    const isWhole = cut.tokenStart === tail.tokenStart
    const begins = isWhole ? first === tail.first : first > tail.first
    return begins && tokenStart === tail.tokenStart + tail.tokens ? messages : undefined
  } catch {
    return undefined
  }
}

/** The end of the path that a tail knows. */
export function headOfTail({ last, tokenStart, tokens }: Tail): Head {
  return { sequence: last, tokens: tokenStart + tokens }
}

/**
 * A tail with older rows before it and newer rows behind it, trimmed at the front to `tailTokens` and
 * their characters. The rows that it has stay text. Both lists are oldest first and join it without a gap; the older ones are
 * all that start from `knownFrom` on. Undefined when the rows are junk.
 */
export function extendTail(
  tail: Tail,
  older: readonly Message[],
  newer: readonly Message[],
  knownFrom: number,
  tailTokens: number,
): Tail | undefined {
  if (tail.rows === '' && newer.length > 0) {
    return extendTail(emptyBehind(tail, newer), [...older, ...newer], [], knownFrom, tailTokens)
  }
  const tokens = tokensOf(older) + tail.tokens + tokensOf(newer)
  const room = TAIL_LENGTH_PER_TOKEN * tailTokens - tail.rows.length
  const kept = withoutSurplus(older, tokens - tailTokens, room)
  const joined = {
    ...tail,
    forks: joinForks(tail, kept, newer),
    knownFrom,
    first: tail.first - kept.length,
    last: tail.last + newer.length,
    tokenStart: tail.tokenStart - tokensOf(kept),
    tokens: tokensOf(kept) + tail.tokens + tokensOf(newer),
    rows: joinRows([...kept.map(encodeRow), ...(tail.rows === '' ? [] : [tail.rows]), ...newer.map(encodeRow)]),
  }
  return trimTail(joined, tailTokens)
}

/** The empty tail that these messages end at. */
function emptyBehind(tail: Tail, messages: readonly Message[]): Tail {
  const first = tail.first + messages.length
  return { ...tail, first, last: first - 1, tokenStart: tail.tokenStart + tokensOf(messages) }
}

/** All but the oldest, which would be encoded only to be trimmed; with the last of these, which says where the tail begins. */
function withoutSurplus(messages: readonly Message[], surplusTokens: number, room: number): readonly Message[] {
  let count = 0
  let tokens = 0
  for (const message of messages) {
    tokens += message.tokens
    if (tokens >= surplusTokens) break
    count += 1
  }
  const kept = messages.slice(count)
  let length = 0
  const beyond = kept.findLastIndex((message) => {
    length += leastLength(message)
    return length > room
  })
  return kept.slice(Math.max(beyond, 0))
}

function trimTail(tail: Tail, tailTokens: number): Tail | undefined {
  let { first, tokenStart, tokens, knownFrom } = tail
  let begin = 0
  const length = TAIL_LENGTH_PER_TOKEN * tailTokens
  while (tokens > tailTokens || tail.rows.length - begin > length) {
    const rowTokens = tokensOfRow(tail.rows, begin)
    if (!(rowTokens > 0)) return undefined
    const separator = tail.rows.indexOf(ROW_SEPARATOR, begin)
    begin = separator < 0 ? tail.rows.length : separator + ROW_SEPARATOR.length
    first += 1
    knownFrom = tokenStart + 1
    tokenStart += rowTokens
    tokens -= rowTokens
  }
  const forks = forksAbove(tail.forks, first)
  return { ...tail, forks, first, tokenStart, tokens, knownFrom, rows: tail.rows.slice(begin) }
}

function tokensOf(messages: readonly Message[]): number {
  return messages.reduce((sum, { tokens }) => sum + tokens, 0)
}

/** The newest rows from `fromTokens` on as text, found from the end so that the work follows the budget. */
function cutRows(tail: Tail, fromTokens: number): { rows: string; tokenStart: number } | undefined {
  if (fromTokens <= tail.tokenStart) return tail
  let tokenStart = tail.tokenStart + tail.tokens
  let end = tail.rows.length
  let from = end
  while (end > 0) {
    const separator = tail.rows.lastIndexOf(ROW_SEPARATOR, end - 1)
    const begin = separator < 0 ? 0 : separator + ROW_SEPARATOR.length
    const tokens = tokensOfRow(tail.rows, begin)
    if (!(tokens > 0)) return undefined
    if (tokenStart - tokens < fromTokens) break
    tokenStart -= tokens
    from = begin
    end = Math.max(separator, 0)
  }
  return { rows: tail.rows.slice(from), tokenStart }
}
