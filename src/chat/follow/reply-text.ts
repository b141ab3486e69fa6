/**
 * The text of a reply while it grows. Adding to it, and reading what is new, cost what is new, however
 * long it is: one string would be copied whole by every reading behind an addition.
 */
export interface ReplyText {
  /** In UTF-16 units. */
  readonly length: number
  /** Adds what reaches beyond the end, of a text that begins no later; false when nothing does. */
  place(offset: number, text: string): boolean
  from(offset: number): string
}

/** So many pieces become one, so that a long text has few of them. */
const MOST_PIECES = 512

/** An empty text. */
export function createReplyText(): ReplyText {
  const pieces: string[] = []
  let single = 0

  function place(offset: number, text: string): boolean {
    const { length } = whole
    const added = offset > length ? '' : text.slice(length - offset)
    if (added === '') return false
    pieces.push(added)
    whole.length += added.length
    single += 1
    if (single < MOST_PIECES) return true
    pieces.push(pieces.splice(-single).join(''))
    single = 0
    return true
  }

  function from(offset: number): string {
    let start = whole.length
    let first = pieces.length
    while (start > offset) {
      first -= 1
      start -= pieces[first]?.length ?? 0
    }
    const text = pieces.slice(first).join('')
    if (first === 0) {
      // Who asks for all of it asks again and again.
      pieces.splice(0, pieces.length, text)
      single = 0
    }
    return text.slice(offset - start)
  }

  const whole = { length: 0, place, from }
  return whole
}
