/** Longer texts are not searched for the place: each look parses half of what is left. */
const SEARCHED_LENGTH = 1024 * 1024
const ENDS = /^Unexpected end|^Unterminated string/
/** V8's words, of which only the kind is kept: most of them quote the text. */
const KINDS: readonly [words: RegExp, kind: string][] = [
  [/^Bad control character/, 'a line break or another control character in a string'],
  [/escape/i, 'a backslash with nothing that it can stand before'],
  [/^Unexpected non-whitespace/, 'more behind its end'],
  [/number/, 'a number that is none'],
]

/** Why a text that JSON.parse refused is no JSON, and where; nothing of the text itself. */
export function jsonFault(text: string, error: unknown): string {
  const words = error instanceof Error ? error.message : ''
  const place = placeIn(words) ?? (text.length <= SEARCHED_LENGTH ? findPlace(text) : undefined)
  if (place !== undefined && place >= text.trimEnd().length) return 'no JSON: it breaks off'
  if (ENDS.test(words)) return 'no JSON: it breaks off'
  const kind = KINDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'a character that cannot stand there'
  return place === undefined ? `no JSON: ${kind}` : `no JSON: ${kind}, at character ${place + 1}`
}

function placeIn(words: string): number | undefined {
  const [, place] = /at position (\d{1,15})/.exec(words) ?? []
  return place === undefined ? undefined : Number(place)
}

/** The longest beginning that may go on as JSON. */
function findPlace(text: string): number {
  let [good, bad] = [0, text.length]
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (mayGoOn(text.slice(0, middle))) good = middle
    else bad = middle
  }
  return good
}

function mayGoOn(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    const words = error instanceof Error ? error.message : ''
    return ENDS.test(words) || placeIn(words) === text.length
  }
}
