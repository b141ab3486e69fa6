/** Follows JSON text that comes in pieces, and knows where an object or a list ends. */
export interface JsonScanner {
  /** Whether an object or a list has begun and not ended. */
  readonly isOpen: boolean
  /** How many stood in each other at most so far. */
  readonly deepest: number
  /**
   * Reads a piece from an index on, up to the end of an object or a list that is in no other; returns the index
   * behind that end, or -1 when none ends in the piece. What stands between two of them is passed over.
   */
  readToEnd(piece: string, from: number): number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** A scanner at the beginning of a text. Each character is looked at once. */
export function createJsonScanner(): JsonScanner {
  let isInString = false
  let isEscaped = false

  function readToEnd(piece: string, from: number): number {
    for (let index = from; index < piece.length; index += 1) {
      const code = piece.charCodeAt(index)
      if (isInString) readInString(code)
      else if (code === QUOTE) isInString = depth > 0
      else if (code === 0x7b || code === 0x5b) {
        depth += 1
        if (depth > deepest) deepest = depth
      } else if ((code === 0x7d || code === 0x5d) && depth > 0) {
        depth -= 1
        if (depth === 0) return index + 1
      }
    }
    return -1
  }

  function readInString(code: number): void {
    if (isEscaped) isEscaped = false
    else if (code === BACKSLASH) isEscaped = true
    else if (code === QUOTE) isInString = false
  }

  let depth = 0
  let deepest = 0
  return {
    readToEnd,
    get isOpen() {
      return depth > 0
    },
    get deepest() {
      return deepest
    },
  }
}

/** The objects and lists that stand one behind the other in a text; a last one that does not end is left out. */
export function splitJsonTexts(text: string): string[] {
  const scanner = createJsonScanner()
  const texts: string[] = []
  let start = 0
  for (let end = scanner.readToEnd(text, 0); end >= 0; end = scanner.readToEnd(text, end)) {
    texts.push(text.slice(start, end).trim())
    start = end
  }
  return texts
}
