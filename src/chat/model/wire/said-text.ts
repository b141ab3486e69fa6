import { createThoughtTags } from './thought-tags.ts'

/** A piece of what a model says or thinks. */
export interface Said {
  type: 'text' | 'reasoning'
  text: string
}

/** What a message is that came in place of a delta, or beside one. */
export interface MessageKind {
  /** The server is known to send pieces in messages: it says nothing twice. */
  isPiece: boolean
  /** The answer ends with it. */
  isLast: boolean
  /** What a delta in the same place says, of which it may be a copy. */
  beside: readonly Said[]
}

/** What was said of an answer, by deltas and by messages, so that it is said once and nothing is lost. */
export interface SaidText {
  /** A piece of a delta. */
  add(type: Said['type'], text: string): void
  /** The texts of a message, which may be a piece or say again what was said. */
  addMessage(texts: readonly Said[], kind: MessageKind): void
  /** Nothing more is to come: what may have been either is decided, and what contradicts is noted. */
  settle(): void
}

interface Outlets {
  say(type: Said['type'], text: string): void
  /** A message that says something else than was said, which cannot be taken back. */
  note(text: string): void
}

/** A piece is hardly longer; a longer text that comes twice was said again. */
const PIECE_LENGTH = 64
/** So many characters are held until it is known what they are; each message counts as a piece at least. */
const MAX_HELD_TEXT = 64 * 1024
const JOINED_AT_ONCE = 256

/**
 * Tells messages that say all of it again, and may grow, from those that are pieces: `Hel`, `Hello` and `Hel`, `lo`
 * are the same answer. A message that does not begin with what was said is a piece; one that begins with it may be
 * either, as in `ha`, `ha`, `!`, and waits for the next one. Behind deltas a message says it again.
 */
export function createSaidText({ say, note }: Outlets): SaidText {
  const texts = {
    text: createOneText((text) => say('text', text), note, shownOf),
    reasoning: createOneText(
      (text) => say('reasoning', text),
      note,
      (text) => text,
    ),
  }

  function addMessage(pieces: readonly Said[], kind: MessageKind): void {
    for (const type of ['reasoning', 'text'] as const) {
      const message = joinTexts(pieces, type)
      if (message !== '' && message !== joinTexts(kind.beside, type)) texts[type].addMessage(message, kind)
    }
  }

  function settle(): void {
    texts.reasoning.settle()
    texts.text.settle()
  }

  return { add: (type, text) => texts[type].add(text), addMessage, settle }
}

function joinTexts(pieces: readonly Said[], type: Said['type']): string {
  return pieces.map((piece) => (piece.type === type ? piece.text : '')).join('')
}

function createOneText(say: (text: string) => void, note: (text: string) => void, show: (text: string) => string) {
  const said = createJoinedText()
  let hasDeltas = false
  let messages: 'ALL AGAIN' | 'PIECES' | undefined
  /** Each begins with the one before, and the first with what was said. */
  let held: string[] = []
  let heldLength = 0
  let contradiction: string | undefined

  function speak(text: string): void {
    if (text === '') return
    said.add(text)
    say(text)
  }

  function add(text: string): void {
    if (held.length > 0) decide(false)
    hasDeltas = true
    speak(text)
  }

  function addMessage(message: string, { isPiece, isLast }: Pick<MessageKind, 'isPiece' | 'isLast'>): void {
    const before = isPiece ? '' : said.text()
    if (before === '') speak(message)
    else if (hasDeltas || messages === 'ALL AGAIN') addAgain(message, before)
    else weigh(message, before, isLast)
  }

  function addAgain(message: string, before: string): void {
    const rest = restOf(message, before, show)
    if (rest === undefined && messages === 'PIECES') speak(message)
    else if (rest === undefined) contradict(message)
    else speak(rest)
  }

  /** One that grows is told once. */
  function contradict(message: string): void {
    if (contradiction !== undefined && !message.startsWith(contradiction)) note(contradiction)
    contradiction = message
  }

  function weigh(message: string, before: string, isLast: boolean): void {
    const last = held.at(-1) ?? before
    const isAgain = message.startsWith(last)
    if (!isAgain) release()
    if (!isAgain) speak(message)
    else if (isLast || (messages === undefined && last.length > before.length)) {
      if (!isLast) messages = 'ALL AGAIN'
      held = []
      speak(message.slice(before.length))
    } else hold(message)
  }

  function hold(message: string): void {
    held.push(message)
    heldLength = (held.length === 1 ? 0 : heldLength) + Math.max(message.length, PIECE_LENGTH)
    if (heldLength > MAX_HELD_TEXT) decide(false)
  }

  function decide(isEnd: boolean): void {
    const last = held.at(-1)
    if (last === undefined) return
    const { length } = said.text()
    // Among pieces the whole comes last, if it comes.
    const isAgain = messages === 'PIECES' ? isEnd : last.length > length || length > PIECE_LENGTH
    if (isAgain) held = []
    if (isAgain) speak(last.slice(length))
    else release()
  }

  function release(): void {
    messages = 'PIECES'
    const pieces = held
    held = []
    for (const piece of pieces) speak(piece)
  }

  function settle(): void {
    decide(true)
    if (contradiction !== undefined) note(contradiction)
    contradiction = undefined
  }

  return { add, addMessage, settle }
}

/** What a message says behind what was said; undefined where it says something else. Blanks around it are nothing. */
function restOf(message: string, said: string, show: (text: string) => string): string | undefined {
  if (message.startsWith(said)) return message.slice(said.length)
  if (said.startsWith(message)) return ''
  const whole = message.trimStart()
  for (const known of [said.trimStart(), show(said).trimStart()]) {
    if (known.startsWith(whole.trimEnd())) return ''
    if (known !== '' && whole.startsWith(known)) return whole.slice(known.length)
  }
  return undefined
}

/** A text without the thoughts that it begins with, which some leave out of the message. */
function shownOf(text: string): string {
  const shown: string[] = []
  const tags = createThoughtTags((type, piece) => {
    if (type === 'text') shown.push(piece)
  })
  tags.push(text)
  tags.flush()
  return shown.join('')
}

/** A text that grows, joined when it is asked for: a string that grows letter by letter is a tree of its letters. */
function createJoinedText() {
  let joined: string[] = []
  let pieces: string[] = []

  function add(text: string): void {
    pieces.push(text)
    if (pieces.length < JOINED_AT_ONCE) return
    joined.push(pieces.join(''))
    pieces = []
  }

  function text(): string {
    if (joined.length !== 1 || pieces.length > 0) joined = [[...joined, ...pieces].join('')]
    pieces = []
    return joined[0] ?? ''
  }

  return { add, text }
}
