import { isUtf8 } from 'node:buffer'
import type { Notes } from '../notes.ts'

/** A file that cannot be read as what it should be; says where. */
export class FileFormatError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'FileFormatError'
  }
}

/** Some programs write a character beyond the first 65,536 as its two halves, of three bytes each (CESU-8). */
const HALF = 0xed
const PAIR_LENGTH = 6
/** How files begin that are none of text. */
const OTHER_KINDS: readonly [begin: string, what: string][] = [
  ['504b0304', 'it is a zip: give it a name that ends in .zip, and import it by itself'],
  ['1f8b', 'it is packed by gzip: unpack it first'],
  ['fffe0000', 'it is text in UTF-32, which is not read: save it as UTF-8'],
  ['0000feff', 'it is text in UTF-32, which is not read: save it as UTF-8'],
  ['7b000000', 'it is text in UTF-32, which is not read: save it as UTF-8'],
  ['5b000000', 'it is text in UTF-32, which is not read: save it as UTF-8'],
  ['000000', 'it is text in UTF-32, which is not read: save it as UTF-8'],
]
/** JSON in UTF-16 without a byte order mark: every second byte of its beginning is 0. */
const UTF_16: readonly [begin: string, encoding: string][] = [
  ['fffe', 'utf-16le'],
  ['feff', 'utf-16be'],
  ['7b00', 'utf-16le'],
  ['5b00', 'utf-16le'],
  ['007b', 'utf-16be'],
  ['005b', 'utf-16be'],
]
const BEGIN_LENGTH = 4
const NOT_UTF8 = 'bytes that are no UTF-8: U+FFFD in their place'

/**
 * The text of bytes in pieces, without byte order marks; UTF-16 is known by that, or by its zeros. Halves of characters
 * in CESU-8 are the character; other bytes that are no UTF-8 become U+FFFD and are noted, for what stands around them is
 * kept. Throws FileFormatError for what is no text.
 * By hand, for CESU-8: WHATWG's decoder makes six U+FFFD of it, iconv-lite knows it only without streams.
 */
export async function* decodeText(chunks: AsyncIterable<Uint8Array>, notes: Notes): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0
  let isBegin = true
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    if (decoder === undefined && bytes.length < BEGIN_LENGTH) {
      rest = bytes
      continue
    }
    decoder ??= new TextDecoder(encodingOf(bytes))
    const isPlain = decoder.encoding !== 'utf-8'
    const end = isPlain ? bytes.length : endOfWhole(bytes)
    const piece = bytes.subarray(0, end)
    const text = decoder.decode(isPlain ? piece : readable(piece, offset, notes), { stream: true })
    const shown: string = isBegin ? withoutMarks(text) : text
    isBegin &&= shown === ''
    yield shown
    offset += end
    rest = bytes.subarray(end)
  }
  decoder ??= new TextDecoder(encodingOf(rest))
  const last = decoder.decode(decoder.encoding === 'utf-8' ? readable(rest, offset, notes) : rest)
  if (last !== '') yield isBegin ? withoutMarks(last) : last
}

function encodingOf(bytes: Buffer): string {
  const begin = bytes.toString('hex', 0, BEGIN_LENGTH)
  const other = OTHER_KINDS.find(([known]) => begin.startsWith(known))
  if (other) throw new FileFormatError(other[1])
  return UTF_16.find(([known]) => begin.startsWith(known))?.[1] ?? 'utf-8'
}

/** One too many is left where a program marked a file that was marked. */
function withoutMarks(text: string): string {
  return text.replace(/^\ufeff+/, '')
}

/** The bytes with pairs in place of their halves; notes whether there is more that is no UTF-8. */
function readable(piece: Buffer, offset: number, notes: Notes): Buffer {
  if (isUtf8(piece)) return piece
  const joined = joinPairs(piece)
  if (isUtf8(joined)) return joined
  for (const place of brokenPlaces(piece)) notes.change(`behind ${offset + place} bytes`, NOT_UTF8)
  return Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(joined))
}

/** Where a decoder writes U+FFFD. */
function* brokenPlaces(bytes: Buffer): Generator<number> {
  for (let at = 0; at < bytes.length; ) {
    if (isPair(bytes, at)) at += PAIR_LENGTH
    else {
      const { length, isWhole } = characterAt(bytes, at)
      if (!isWhole) yield at
      at += length
    }
  }
}

/** A character of UTF-8, or the bytes that stand for one U+FFFD (Unicode, table 3-7; WHATWG's decoder). */
function characterAt(bytes: Buffer, at: number): { length: number; isWhole: boolean } {
  const first = bytes[at] ?? 0
  const isLead = first >= 0xc2 && first <= 0xf4
  if (!isLead) return { length: 1, isWhole: first < 0x80 }
  const needed = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  let low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  let high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  for (let length = 1; length < needed; length++) {
    const byte = bytes[at + length] ?? 0
    if (byte < low || byte > high) return { length, isWhole: false }
    low = 0x80
    high = 0xbf
  }
  return { length: needed, isWhole: true }
}

function joinPairs(bytes: Buffer): Buffer {
  const pieces: Buffer[] = []
  let from = 0
  for (let at = bytes.indexOf(HALF); at >= 0; at = bytes.indexOf(HALF, at + 1)) {
    if (at < from || !isPair(bytes, at)) continue
    const high = ((bytes[at + 1] ?? 0) & 0x0f) * 64 + ((bytes[at + 2] ?? 0) & 0x3f)
    const low = ((bytes[at + 4] ?? 0) & 0x0f) * 64 + ((bytes[at + 5] ?? 0) & 0x3f)
    pieces.push(bytes.subarray(from, at), Buffer.from(String.fromCodePoint(0x10000 + high * 1024 + low)))
    from = at + PAIR_LENGTH
  }
  return Buffer.concat([...pieces, bytes.subarray(from)])
}

/** Whether a first half and a second one begin here: ED A0…AF xx ED B0…BF xx. */
function isPair(bytes: Buffer, at: number): boolean {
  const [, second = 0, third = 0, fourth, fifth = 0, sixth = 0] = bytes.subarray(at, at + PAIR_LENGTH)
  const isNext = (byte: number) => (byte & 0xc0) === 0x80
  return (second & 0xf0) === 0xa0 && isNext(third) && fourth === HALF && (fifth & 0xf0) === 0xb0 && isNext(sixth)
}

/** Where the last character or pair that may go on in the next piece begins. */
function endOfWhole(bytes: Buffer): number {
  const { length } = bytes
  for (let at = Math.max(0, length - PAIR_LENGTH + 1); at < length; at++) {
    const byte = bytes[at] ?? 0
    const mayBeFirstHalf = byte === HALF && ((bytes[at + 1] ?? 0xa0) & 0xf0) === 0xa0
    const needed = mayBeFirstHalf ? PAIR_LENGTH : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    if (at + needed > length) return at
  }
  return length
}

/**
 * The lines of a text, without their ends of LF, CR or both; undefined for one over `maxLength` characters. By hand: Node's readline also
 * ends lines at U+2028 and U+2029, which JSON may hold as they are, and holds lines of any length.
 */
export async function* splitLines(texts: AsyncIterable<string>, maxLength: number): AsyncGenerator<string | undefined> {
  let rest: string[] = []
  let length = 0
  const add = (text: string) => {
    length += text.length
    if (length > maxLength) rest = []
    else rest.push(text)
  }
  const take = () => {
    const line = length > maxLength ? undefined : rest.join('')
    rest = []
    length = 0
    return line
  }
  let mayBeginWithLf = false
  for await (const text of texts) {
    const begun = mayBeginWithLf && text.startsWith('\n') ? text.slice(1) : text
    if (text !== '') mayBeginWithLf = text.endsWith('\r')
    const [first = '', ...others] = (begun.includes('\r') ? begun.replaceAll(/\r\n?/g, '\n') : begun).split('\n')
    add(first)
    for (const other of others) {
      yield take()
      add(other)
    }
  }
  if (length > 0) yield take()
}
