/** How many commas, colons and opening brackets the JSON of a request may have outside of its strings. */
export const MAX_JSON_MARKS = 30_000

/** Fewer bytes are soon parsed whatever they are. */
const MIN_BYTES = 100_000
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BRACKET = 0x5b
const BACKSLASH = 0x5c
const BRACE = 0x7b

/**
 * Whether it is soon parsed, if it is JSON at all: 4 MB of brackets block the event loop for half a second, a
 * text of 4 MB for 12 ms.
 */
export function isSoonParsed(json: Uint8Array): boolean {
  if (json.length < MIN_BYTES) return true
  let marks = 0
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at]
    if (byte === QUOTE) at = endOfString(json, at)
    else if (byte === COMMA || byte === COLON || byte === BRACKET || byte === BRACE) marks += 1
    if (marks > MAX_JSON_MARKS) return false
  }
  return true
}

function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1
  return at
}
