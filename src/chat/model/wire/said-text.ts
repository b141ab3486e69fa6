interface Said {
  type: 'text' | 'reasoning'
  text: string
}

/** How much of the beginning is compared, and of the end the piece that came last. */
const COMPARED = 64

/**
 * Knows what was said without keeping it, so that a message which says all of it again at the end of a stream adds only
 * what is new. One that says something else adds nothing: what was streamed counts.
 */
export function createSaidText() {
  const said = { text: { length: 0, begin: '', end: '' }, reasoning: { length: 0, begin: '', end: '' } }

  function add(type: Said['type'], text: string): void {
    const known = said[type]
    known.length += text.length
    if (known.begin.length < COMPARED) known.begin = (known.begin + text).slice(0, COMPARED)
    known.end = text
  }

  /** Of a whole message what was not said before. */
  function behind(texts: readonly Said[]): Said[] {
    return (['reasoning', 'text'] as const).flatMap((type) => {
      const whole = texts.map((piece) => (piece.type === type ? piece.text : '')).join('')
      const { length, begin, end } = said[type]
      if (!whole.startsWith(begin) || !whole.slice(0, length).endsWith(end)) return []
      return whole.length > length ? [{ type, text: whole.slice(length) }] : []
    })
  }

  return { add, behind }
}
