import { isUtf8 } from 'node:buffer'
import type { Notes } from '../notes.ts'

/** A file that cannot be read as what it should be; says where. */
export class FileFormatError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'FileFormatError'
  }
}

const REPLACED = '\ufffd'
const REPLACED_BYTES = Buffer.from(REPLACED)
/** Some programs write a character beyond the first 65,536 as its two halves, of three bytes each (CESU-8). */
const HALF = 0xed
const PAIR_LENGTH = 6
const NOT_UTF8 = 'bytes that are no UTF-8: U+FFFD in their place'

/**
 * The text of bytes in pieces, without a byte order mark; UTF-16 is known by that. Halves of characters in CESU-8 are
 * the character; other bytes that are no UTF-8 become U+FFFD and are noted, for what stands around them is kept.
 * By hand, for CESU-8: WHATWG's decoder makes six U+FFFD of it, iconv-lite knows it only without streams.
 */
export async function* decodeText(chunks: AsyncIterable<Uint8Array>, notes: Notes): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined
  let rest: Buffer = Buffer.alloc(0)
  let offset = 0
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk])
    decoder ??= new TextDecoder(encodingOf(bytes))
    const isPlain = decoder.encoding !== 'utf-8'
    const end = isPlain ? bytes.length : endOfWhole(bytes)
    const piece = bytes.subarray(0, end)
    yield decoder.decode(isPlain ? piece : readable(piece, offset, notes), { stream: true })
    offset += end
    rest = bytes.subarray(end)
  }
  const last = (decoder ?? new TextDecoder()).decode(readable(rest, offset, notes))
  if (last !== '') yield last
}

function encodingOf(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le'
  return bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-8'
}

/** The bytes with pairs in place of their halves; notes whether there is more that is no UTF-8. */
function readable(piece: Buffer, offset: number, notes: Notes): Buffer {
  if (isUtf8(piece)) return piece
  const joined = joinPairs(piece)
  if (isUtf8(joined)) return joined
  const replaced = new TextDecoder('utf-8', { ignoreBOM: true }).decode(joined)
  const count = countOf(replaced, REPLACED) - countOf(joined.toString('latin1'), REPLACED_BYTES.toString('latin1'))
  for (let index = 0; index < count; index++) notes.change(`behind ${offset} bytes`, NOT_UTF8)
  return Buffer.from(replaced)
}

function countOf(text: string, part: string): number {
  let count = 0
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++
  return count
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
 * The lines of a text, without their ends; undefined for one over `maxLength` characters. By hand: Node's readline also
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
  for await (const text of texts) {
    const [first = '', ...others] = text.split('\n')
    add(first)
    for (const other of others) {
      yield take()
      add(other)
    }
  }
  if (length > 0) yield take()
}
