import { createJsonScanner } from './json-scanner.ts'

/** What a body says, whatever it is framed in. */
export type WireEvent =
  /** One JSON value; `name` is that of its event, if it had one. */
  | { type: 'value'; name: string | undefined; value: unknown }
  /** `[DONE]`. */
  | { type: 'done' }
  /** A comment: the server is there. */
  | { type: 'comment' }
  /** What is neither, for instance a page. */
  | { type: 'junk'; text: string }

/** Reads text as it comes, cut anywhere. */
export interface WireReader {
  feed(text: string): void
  /** The body has ended; what is still held is read. */
  end(): void
}

/** No event is longer, in UTF-16 units: a server that never ends a line must not fill memory, nor hold the loop. */
const MAX_EVENT_CHARACTERS = 1024 * 1024
/** So many JSON texts may stand in one line. */
const MAX_TEXTS = 10_000

/** The body is longer than an event may be, or holds JSON that is none. */
export class WireError extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'WireError'
  }
}

/**
 * Reads what servers call an event stream. Events of server-sent events, also where one line break or none stands
 * between two of them, or one JSON text goes over several data lines; lines of JSON; a body that is one JSON text.
 * Throws WireError for what is too long or broken; before that it has told all that came before.
 *
 * By hand: eventsource-parser joins data lines that stand together, and waits for a blank line that some servers never
 * send.
 */
export function createWireReader(onEvent: (event: WireEvent) => void): WireReader {
  const line = createPieces()
  const json = createPieces()
  const scanner = createJsonScanner()
  /** Whether what is open stands in data lines, which a blank line ends. */
  let isData = false
  let name: string | undefined
  let nextName: string | undefined
  let held: WireEvent | undefined
  let mayBeginWithLf = false

  function feed(text: string): void {
    const rest = mayBeginWithLf && text.startsWith('\n') ? text.slice(1) : text
    if (text !== '') mayBeginWithLf = text.endsWith('\r')
    const normal = rest.includes('\r') ? rest.replaceAll('\r\n', '\n').replaceAll('\r', '\n') : rest
    let start = 0
    for (let end = normal.indexOf('\n'); end >= 0; end = normal.indexOf('\n', start)) {
      takeLine(line.take(normal.slice(start, end)))
      start = end + 1
    }
    if (start < normal.length) line.add(start === 0 ? normal : normal.slice(start))
  }

  function takeLine(text: string): void {
    if (scanner.isOpen && !isData) takeJson(text)
    else if (text === '') endBlock()
    else if (text.startsWith('data:')) takeData(text.slice(5), true)
    else if (scanner.isOpen) takeJson(text)
    else if (text.startsWith(':')) onEvent({ type: 'comment' })
    else takeOtherLine(text.trim())
  }

  function takeOtherLine(text: string): void {
    if (text.startsWith('{') || text.startsWith('[')) takeData(text, false)
    else if (text.startsWith('data:')) takeData(text.slice(5), true)
    else if (text.startsWith('event:')) takeName(text.slice(6).trim())
    else if (text.startsWith('error:')) takeErrorLine(text.slice(6))
    else if (text !== '' && !/^(?:data|event|id|retry)(?::|$)/.test(text)) onEvent({ type: 'junk', text })
  }

  function takeName(given: string): void {
    // Behind data it may be the name of what follows, where no blank line stands between two events.
    if (held === undefined) name = given
    else nextName = given
  }

  /** llama.cpp's own field. */
  function takeErrorLine(text: string): void {
    endBlock()
    name = 'error'
    takeData(text, true)
  }

  function takeData(text: string, isOfEvent: boolean): void {
    if (scanner.isOpen) {
      takeJson(text)
      return
    }
    isData = isOfEvent
    const data = withoutPrefix(text)
    if (data === '') return
    release()
    if (data === '[DONE]') onEvent({ type: 'done' })
    else {
      try {
        held = { type: 'value', name, value: JSON.parse(data) }
      } catch {
        takeJson(data)
      }
    }
  }

  /** Several texts in one line, or one in several. */
  function takeJson(text: string): void {
    let start = 0
    let count = 0
    for (let end = scanner.readToEnd(text, 0); end >= 0; end = scanner.readToEnd(text, end)) {
      count += 1
      if (count > MAX_TEXTS) throw new WireError(`A line has more than ${MAX_TEXTS} texts`)
      release()
      hold(json.take(text.slice(start, end)).trim())
      start = end
    }
    if (scanner.isOpen) json.add(`${start === 0 ? text : text.slice(start)}\n`)
    else if (start === 0 && text.trim() !== '') onEvent({ type: 'junk', text })
  }

  function hold(text: string): void {
    if (text === '[DONE]') onEvent({ type: 'done' })
    else held = { type: 'value', name, value: parse(text) }
  }

  /** The value that was read last, once it is known where its event ends. */
  function release(): void {
    if (held === undefined) return
    const event = held
    held = undefined
    name = nextName
    nextName = undefined
    onEvent(event)
  }

  function endBlock(): void {
    if (held?.type === 'value' && nextName !== undefined) held.name = nextName
    nextName = undefined
    release()
    name = undefined
    if (scanner.isOpen) throw new WireError('An event breaks off')
  }

  function end(): void {
    mayBeginWithLf = false
    const last = line.take('')
    if (last !== '') takeLine(last)
    endBlock()
  }

  return { feed, end }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new WireError('An event is no JSON')
  }
}

/** Some proxies write the field's name twice. */
function withoutPrefix(text: string): string {
  const trimmed = text.trim()
  return trimmed.startsWith('data:') ? trimmed.slice(5).trim() : trimmed
}

/** Pieces of one text: joined once, since a text that grows by a letter is copied whole by each look at it. */
function createPieces() {
  let pieces: string[] = []
  let length = 0

  function add(piece: string): void {
    length += piece.length
    if (length > MAX_EVENT_CHARACTERS) throw new WireError(`An event is longer than ${MAX_EVENT_CHARACTERS} characters`)
    pieces.push(piece)
  }

  /** All of it with the last piece; it is empty then. */
  function take(last: string): string {
    if (pieces.length === 0 && last.length <= MAX_EVENT_CHARACTERS) return last
    add(last)
    const text = pieces.join('')
    pieces = []
    length = 0
    return text
  }

  return { add, take }
}
