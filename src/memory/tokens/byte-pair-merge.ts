import FlatQueue from 'flatqueue'

/** The rank of the token made of the bytes from `start` up to `end`; undefined when there is none. */
export type RankOf = (start: number, end: number) => number | undefined

/* A rank and an offset make one number that sorts by rank, then by offset. Offsets stay below this. */
const OFFSETS = 2 ** 32

/**
 * How many tokens byte-pair encoding makes of `length` bytes, in O(n log n). Merges the pair of lowest
 * rank, of equals the leftmost, until none is left, as the usual quadratic loop does: tokens are a linked
 * list over the offsets where they begin, and pairs wait in a heap.
 */
export function mergeBytePairs(length: number, rankOf: RankOf): number {
  // Where the tokens after and before the one that begins at an offset begin.
  const next = new Int32Array(length)
  const previous = new Int32Array(length)
  // The rank of a token and the next one together; -1 when they are no token.
  const ranks = new Int32Array(length)
  // A merge takes one pair and gives two at most. Arrays that grow would hold three times as much, for longer.
  const pairs = new FlatQueue<number>(2 * length)
  let tokens = length

  const after = (start: number) => next[start] ?? length
  const offer = (start: number, end: number) => {
    const rank = rankOf(start, end) ?? -1
    ranks[start] = rank
    if (rank >= 0) pairs.push(start, rank * OFFSETS + start)
  }
  const merge = (start: number) => {
    const middle = after(start)
    const end = after(middle)
    const before = previous[start] ?? -1
    next[start] = end
    ranks[start] = -1
    ranks[middle] = -1
    if (end < length) {
      previous[end] = start
      offer(start, after(end))
    }
    if (before >= 0) offer(before, end)
    tokens -= 1
  }

  for (let start = 0; start < length; start++) {
    next[start] = start + 1
    previous[start] = start - 1
    if (start + 1 < length) offer(start, start + 2)
  }
  for (let pair = pairs.peekValue(); pair !== undefined; pair = pairs.peekValue()) {
    const start = pairs.pop()
    // A pair that grew or went since it was pushed has another rank now, since no two tokens share one.
    if (start !== undefined && ranks[start] === (pair - start) / OFFSETS) merge(start)
  }
  return tokens
}
