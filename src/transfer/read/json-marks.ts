const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPENING = new Set([0x5b, 0x7b])
const CLOSING = new Set([0x5d, 0x7d])

/** What gives a JSON text its form; `OTHER` is all else but white space, and a string as a whole. */
export type JsonMark = 'OPENING' | 'CLOSING' | 'COMMA' | 'COLON' | 'OTHER'

/** Finds the marks of a JSON text that comes in pieces, whatever stands in its strings. */
export interface MarkScanner {
  /** Calls back for each mark of the piece; a string that goes on in the next piece is one mark. */
  scan(piece: string, onMark: (mark: JsonMark, at: number) => void): void
}

/** A scanner that stands before a text. */
export function createMarkScanner(): MarkScanner {
  let isInString = false
  let isEscaped = false
  return { scan }

  function scan(piece: string, onMark: (mark: JsonMark, at: number) => void): void {
    let at = isInString ? skipString(piece, isEscaped ? 1 : 0) : 0
    for (; at < piece.length; at++) {
      const code = piece.charCodeAt(at)
      if (code === COMMA) onMark('COMMA', at)
      else if (code === COLON) onMark('COLON', at)
      else if (OPENING.has(code)) onMark('OPENING', at)
      else if (CLOSING.has(code)) onMark('CLOSING', at)
      else if (code === QUOTE) {
        onMark('OTHER', at)
        at = skipString(piece, at + 1) - 1
      } else if (code > 0x20) onMark('OTHER', at)
    }
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

/** How many commas, colons and opening brackets a JSON text has. */
export function countMarks(text: string): number {
  let marks = 0
  createMarkScanner().scan(text, (mark) => {
    if (mark !== 'OTHER' && mark !== 'CLOSING') marks++
  })
  return marks
}
