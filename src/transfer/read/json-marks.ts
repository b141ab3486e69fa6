const QUOTE = 0x22
const BACKSLASH = 0x5c
const MARKS = new Set([',', ':', '[', '{'].map((mark) => mark.charCodeAt(0)))

/** Counts the commas, colons and opening brackets of a JSON text that comes in pieces, but for those in its strings. */
export interface MarkCounter {
  /** How many the piece has. */
  count(piece: string): number
}

/** A counter that stands before a text. */
export function createMarkCounter(): MarkCounter {
  let isInString = false
  let isEscaped = false
  return { count }

  function count(piece: string): number {
    let marks = 0
    let at = isInString ? skipString(piece, isEscaped ? 1 : 0) : 0
    for (; at < piece.length; at++) {
      const code = piece.charCodeAt(at)
      if (code === QUOTE) at = skipString(piece, at + 1) - 1
      else if (MARKS.has(code)) marks++
    }
    return marks
  }

  /** The place behind the string, or the end of the piece, in which it goes on. */
  function skipString(piece: string, start: number): number {
    let at = start
    for (; at < piece.length; at++) {
      const code = piece.charCodeAt(at)
      if (code === BACKSLASH) at++
      else if (code === QUOTE) break
    }
    isInString = at >= piece.length
    isEscaped = at > piece.length
    return at + 1
  }
}
