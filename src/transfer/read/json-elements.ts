import { createMarkScanner } from './json-marks.ts'
import { FileFormatError } from './read-text.ts'

/** The text of one element of a list, or why it is left out. */
export type JsonElement = { index: number; length: number; marks: number } & ({ text: string } | { error: string })

/** What one element may have: parsed values take many times their text. */
export interface ElementLimits {
  maxLength: number
  /** Commas, colons and opening brackets: values of nothing but these take most. */
  maxMarks: number
}

interface OpenElement {
  pieces: string[]
  length: number
  marks: number
  error: string | undefined
}

/**
 * The elements of the JSON array that a text is, one at a time, as texts. One that is larger than the limits is left out
 * by itself. Throws FileFormatError where the text is no array, breaks off or goes on behind it.
 *
 * By hand: streaming parsers (stream-json, @streamparser/json) end the whole file at an element that is too large or is
 * no JSON, and read 46 and 35 MB/s where this and JSON.parse read over 100.
 */
export async function* splitElements(texts: AsyncIterable<string>, limits: ElementLimits): AsyncGenerator<JsonElement> {
  const splitter = createElementSplitter(limits)
  for await (const text of texts) {
    yield* splitter.push(text)
    splitter.check()
  }
  splitter.end()
}

function createElementSplitter(limits: ElementLimits) {
  const scanner = createMarkScanner()
  let depth = 0
  let index = 0
  let hasEnded = false
  let fault: string | undefined
  let open: OpenElement | undefined

  function push(text: string): JsonElement[] {
    const whole: JsonElement[] = []
    let from = 0
    const take = (end: number) => {
      if (open) add(open, text, from, end, limits)
    }
    scanner.scan(text, (mark, at) => {
      if (hasEnded) fault ??= 'text behind the end of the list'
      if (fault !== undefined) return
      const isInside = depth > 1 || (mark !== 'COMMA' && mark !== 'CLOSING')
      if (depth > 0 && isInside) {
        if (open === undefined) from = at
        open ??= { pieces: [], length: 0, marks: 0, error: undefined }
        if (mark !== 'OTHER' && mark !== 'CLOSING') open.marks++
      }
      if (mark === 'OPENING') depth++
      else if (mark === 'CLOSING') depth--
      hasEnded = depth <= 0
      if (isInside || (mark !== 'COMMA' && !hasEnded)) return
      take(at)
      // An empty list has none, and two commas have nothing between them.
      if (open || mark === 'COMMA') whole.push(close(open))
      open = undefined
    })
    take(text.length)
    return whole
  }

  function close(element: OpenElement | undefined): JsonElement {
    const { pieces, length, marks, error } = element ?? { pieces: [], length: 0, marks: 0, error: 'nothing is there' }
    const place = { index: index++, length, marks }
    return error === undefined ? { ...place, text: pieces.join('') } : { ...place, error }
  }

  function check(): void {
    if (fault !== undefined) throw new FileFormatError(`no JSON from [${index}] on: ${fault}`)
  }

  function end(): void {
    if (!hasEnded) fault = 'the list breaks off'
    check()
  }

  return { push, check, end }
}

function add(
  element: OpenElement,
  text: string,
  from: number,
  end: number,
  { maxLength, maxMarks }: ElementLimits,
): void {
  element.length += end - from
  element.error ??= sizeFault(element, { maxLength, maxMarks })
  if (element.error === undefined) element.pieces.push(text.slice(from, end))
  else element.pieces = []
}

/** Why something is too large, if it is. */
export function sizeFault(
  { length, marks }: { length: number; marks: number },
  { maxLength, maxMarks }: ElementLimits,
): string | undefined {
  if (length > maxLength) return `longer than ${maxLength} characters: too large to be read`
  return marks > maxMarks ? `more than ${maxMarks} commas, colons and brackets: too large to be read` : undefined
}
