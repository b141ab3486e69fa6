/** What is said, and what is thought. */
export type SaidType = 'text' | 'reasoning'

/** Writes text and thoughts into the one text that a reply's log carries, in their order. */
export interface SaidWriter {
  /** What is appended to the log for it, and where in the log that begins, in UTF-16 units. */
  write(type: SaidType, text: string): { offset: number; text: string }
}

/** Reads them again; pieces come in order, cut anywhere. */
export interface SaidReader {
  read(text: string): void
}

/** Characters that Unicode keeps for programs: what follows is thought, what follows is text, the next one is itself. */
const REASONING = '\ufdd0'
const TEXT = '\ufdd1'
const ESCAPE = '\ufdd2'

/** A log that begins with text: without thoughts it is the text itself. */
export function createSaidWriter(): SaidWriter {
  let type: SaidType = 'text'
  let length = 0

  function write(given: SaidType, text: string): { offset: number; text: string } {
    const mark = given === type ? '' : given === 'text' ? TEXT : REASONING
    const written = mark + text.replaceAll(/[\ufdd0-\ufdd2]/g, (sign) => ESCAPE + sign)
    const offset = length
    type = given
    length += written.length
    return { offset, text: written }
  }

  return { write }
}

/** Calls back with each piece and its place in the text, or in the thoughts. */
export function createSaidReader(onSaid: (type: SaidType, offset: number, text: string) => void): SaidReader {
  const lengths = { text: 0, reasoning: 0 }
  let type: SaidType = 'text'
  let isEscaped = false

  function pass(text: string): void {
    if (text === '') return
    onSaid(type, lengths[type], text)
    lengths[type] += text.length
  }

  function read(text: string): void {
    let piece = ''
    // Most pieces hold none of the signs, and are one.
    for (const part of text.split(/([\ufdd0-\ufdd2])/)) {
      if (isEscaped && part !== '') {
        piece += part
        isEscaped = false
      } else if (part === ESCAPE) isEscaped = true
      else if (part === REASONING || part === TEXT) {
        pass(piece)
        piece = ''
        type = part === TEXT ? 'text' : 'reasoning'
      } else piece += part
    }
    pass(piece)
  }

  return { read }
}
