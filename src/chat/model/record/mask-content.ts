/** Values that say what something is, and not what was said; kept where they are one short word. */
const KEPT = new Set([
  ...['type', 'object', 'role', 'finish_reason', 'native_finish_reason', 'code', 'status', 'error_code'],
  ...['model', 'provider', 'id', 'call_id', 'tool_call_id', 'name', 'index'],
])
/** What stands in these is content, names and numbers included. */
const HIDDEN = new Set(['arguments', 'input', 'parameters'])
const SHORT_WORD = /^[\w.:/-]{0,64}$/
const TAG = /<\/?think(?:ing)?>/g
/** Arguments stay JSON: words that stand alone in them, and exponents, are kept. */
const LITERAL = /(?<=^|[:,[\s])(?:true|false|null)(?=$|[,}\]\s])|(?<=\d)e(?=[+-]?\d)/gi
const SIGN = /\\u[\da-f]{4}|\\.|[\xf0-\xf7][\x80-\xbf]{3}|[\xe0-\xef][\x80-\xbf]{2}|[\xc2-\xdf][\x80-\xbf]|[a-z\d]/gi
/** By how many bytes they take. */
const CHARACTERS = new Map(
  ['é', '世', '👋'].map((sign) => [Buffer.byteLength(sign), Buffer.from(sign).toString('latin1')]),
)
/** The fields of an event stream at the beginning of a line, with the name of an event. */
const FIELD =
  /\xef\xbb\xbf(?:data|id|retry|error)(?=:)|(?:data|id|retry|error)(?=[:\r\n]|$)|(?:\xef\xbb\xbf)?event:?[^\S\n]?[\w.-]*/y

interface Level {
  isObject: boolean
  key: string
  isHidden: boolean
}

/**
 * What a server sends without what is said in it: each letter is an x and each digit a 1, characters of several bytes
 * another one of so many. Bytes stay where they are, so that cuts and framing mean what they meant; so do fields, kinds,
 * finish reasons, codes, names of models and tools, ids, and the numbers of usage.
 */
export function maskContent(bytes: Uint8Array): Buffer {
  const text = Buffer.from(bytes).toString('latin1')
  const masked: string[] = []
  let levels: Level[] = []
  let index = 0

  function take(end: number, mask: (piece: string) => string): void {
    masked.push(mask(text.slice(index, end)))
    index = end
  }

  function takeString(): void {
    const end = endOfString(text, index)
    const level = levels.at(-1)
    const inner = text.slice(index + 1, end)
    const isKey = level?.isObject && /^"?\s*:/.test(text.slice(end, end + 16))
    const isHidden = level?.isHidden ?? false
    take(index + 1, keep)
    if (isKey && !isHidden) {
      level.key = inner
      take(end, keep)
    } else if (!isHidden && KEPT.has(level?.key ?? '') && SHORT_WORD.test(inner)) take(end, keep)
    else take(end, (piece) => maskText(piece, HIDDEN.has(level?.key ?? '') ? LITERAL : TAG))
    if (text[end] === '"') take(end + 1, keep)
  }

  function open(isObject: boolean): void {
    const outer = levels.at(-1)
    const key = outer?.key ?? ''
    levels.push({ isObject, key, isHidden: outer?.isHidden || HIDDEN.has(key) })
    take(index + 1, keep)
  }

  /** Field names of the stream; behind a blank line what was open before has broken off. */
  function takeLineBegin(): void {
    FIELD.lastIndex = index
    const [name = ''] = FIELD.exec(text) ?? []
    if (name === '') return
    if (/\n\r?\n$/.test(text.slice(Math.max(0, index - 3), index))) levels = []
    take(index + name.length, keep)
  }

  /** What stands outside of strings: literals, numbers and blanks, or what is no JSON. */
  function takePlain(): void {
    const rest = /[^"{}[\]\n]*\n?/y
    rest.lastIndex = index
    const length = Math.max(1, (rest.exec(text)?.[0] ?? '').length)
    const level = levels.at(-1)
    if (level === undefined) take(index + length, (piece) => maskText(piece, TAG))
    else if (level.isHidden) take(index + length, (piece) => maskText(piece, LITERAL))
    else take(index + length, (piece) => piece.replaceAll(/\b(?!(?:true|false|null|DONE)\b)[a-z]+\b/gi, maskWord))
  }

  while (index < text.length) {
    if (index === 0 || text[index - 1] === '\n') takeLineBegin()
    const sign = text[index]
    if (sign === '"' && levels.length > 0) takeString()
    else if (sign === '{' || sign === '[') open(sign === '{')
    else if (sign === '}' || sign === ']') {
      levels.pop()
      take(index + 1, keep)
    } else if (sign !== undefined) takePlain()
  }
  return Buffer.from(masked.join(''), 'latin1')
}

function keep(text: string): string {
  return text
}

/** Where a string ends that begins here: at its quote, at the end of its line or of the text. */
function endOfString(text: string, begin: number): number {
  for (let index = begin + 1; index < text.length; index += 1) {
    const sign = text[index]
    if (sign === '"' || sign === '\n') return index
    if (sign === '\\') index += 1
  }
  return text.length
}

function maskText(text: string, kept: RegExp): string {
  const masked: string[] = []
  let index = 0
  for (const { 0: found, index: begin } of text.matchAll(kept)) {
    masked.push(text.slice(index, begin).replaceAll(SIGN, maskSign), found)
    index = begin + found.length
  }
  return masked.join('') + text.slice(index).replaceAll(SIGN, maskSign)
}

function maskWord(word: string): string {
  return 'x'.repeat(word.length)
}

function maskSign(sign: string): string {
  if (/^\\u/i.test(sign)) return maskEscape(Number.parseInt(sign.slice(2), 16), sign)
  if (sign.startsWith('\\')) return sign
  return CHARACTERS.get(sign.length) ?? (/\d/.test(sign) ? '1' : 'x')
}

/** Halves of a pair stay such halves. */
function maskEscape(code: number, sign: string): string {
  if (code < 0x80) return /[a-z\d]/i.test(String.fromCharCode(code)) ? '\\u0078' : sign
  if (code >= 0xd800 && code < 0xdc00) return '\\ud83d'
  return code >= 0xdc00 && code < 0xe000 ? '\\udc4b' : '\\u4e16'
}
