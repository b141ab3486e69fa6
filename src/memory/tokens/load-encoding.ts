import type { RawBytePairRanks } from 'gpt-tokenizer/BytePairEncodingCore'
import { mergeBytePairs } from './byte-pair-merge.ts'
import type { Encoding } from './encoding.ts'

/** Texts that are counted one by one and summed by group. */
export type TextGroups = readonly (readonly string[])[]

/** The tokens of each group, in order, with special tokens as plain text. */
export type CountGroups = (groups: TextGroups) => number[]

interface Ranks {
  ofTexts: ReadonlyMap<string, number>
  /** Tokens that are no whole characters, each as its bytes in Latin-1. */
  ofBytes: ReadonlyMap<string, number>
}

const BYTE_ORDER_MARK = 0xfeff

/**
 * Loads an encoding: about 150 ms of the thread and 60 MB. Its count equals that of gpt-tokenizer but is
 * linear in the text (V8 runs the library's patterns in linear time) and keeps nothing of it. The library
 * itself is quadratic in a piece, holds users' text in a cache and offers no count of a single piece, so
 * its patterns and ranks are used and its merge is not: two sets of ranks would take 33 MB more.
 */
export async function loadEncoding(encoding: Encoding): Promise<CountGroups> {
  const [{ resolveEncodingAsync }, { getEncodingParams }] = await Promise.all([
    import('gpt-tokenizer/resolveEncodingAsync'),
    import('gpt-tokenizer/modelParams'),
  ])
  const rawRanks = await resolveEncodingAsync(encoding)
  const { tokenSplitRegex } = getEncodingParams(encoding, () => rawRanks)
  const ranks = indexRanks(rawRanks)
  return (groups) => {
    const countPiece = createPieceCounter(ranks)
    const countText = (text: string) => {
      let tokens = 0
      for (const [piece] of text.matchAll(tokenSplitRegex)) tokens += countPiece(piece)
      return tokens
    }
    return groups.map((texts) => texts.reduce((tokens, text) => tokens + countText(text), 0))
  }
}

function indexRanks(rawRanks: RawBytePairRanks): Ranks {
  const ofTexts = new Map<string, number>()
  const ofBytes = new Map<string, number>()
  rawRanks.forEach((token, rank) => {
    if (typeof token === 'string') ofTexts.set(token, rank)
    else ofBytes.set(String.fromCharCode(...token), rank)
  })
  return { ofTexts, ofBytes }
}

/** Counts single pieces and remembers them, since words repeat: it must not outlive the call that it is made for. */
function createPieceCounter(ranks: Ranks): (piece: string) => number {
  const merged = new Map<string, number>()
  return (piece) => {
    if (ranks.ofTexts.has(piece)) return 1
    const known = merged.get(piece)
    if (known !== undefined) return known
    const tokens = mergePiece(piece, ranks)
    merged.set(piece, tokens)
    return tokens
  }
}

function mergePiece(piece: string, { ofTexts, ofBytes }: Ranks): number {
  const bytes = Buffer.from(piece)
  // UTF-8 has U+FFFD for half of a surrogate pair.
  const text = piece.toWellFormed()
  const places = bytes.length === text.length ? undefined : characterPlaces(text, bytes.length)
  return mergeBytePairs(bytes.length, (start, end) => {
    const from = places?.[start] ?? start
    const to = places?.[end] ?? end
    if (from < 0 || to < 0) return ofBytes.get(bytes.toString('latin1', start, end))
    // The library decodes bytes to look them up, and decoding drops a byte order mark.
    return ofTexts.get(text.slice(text.charCodeAt(from) === BYTE_ORDER_MARK ? from + 1 : from, to))
  })
}

/** For each byte offset the place of its character in the text; -1 inside a character. */
function characterPlaces(text: string, byteLength: number): Int32Array {
  const places = new Int32Array(byteLength + 1).fill(-1)
  let offset = 0
  let place = 0
  for (const character of text) {
    places[offset] = place
    offset += Buffer.byteLength(character)
    place += character.length
  }
  places[byteLength] = text.length
  return places
}
