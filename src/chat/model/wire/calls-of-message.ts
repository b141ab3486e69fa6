import { isDeepStrictEqual } from 'node:util'
import type { CallRest, KnownCall, ToolCallPiece } from './tool-call-assembly.ts'

/** What the calls of a message add to those that are known. */
export interface CallsOfMessage {
  /** What known calls have besides, by their places. */
  rests: CallRest[]
  /** What is said for the first time. */
  pieces: ToolCallPiece[]
  /** Calls that contradict those that came by deltas. */
  others: ToolCallPiece[]
}

/** Longer arguments are compared letter by letter only. */
const COMPARED_LENGTH = 64 * 1024

/**
 * Tells the calls of a message that says all of them again, and may have more of them, from pieces of calls. Behind
 * calls that came by deltas a message says them again, perhaps under other ids; what it has besides contradicts them.
 * Pieces that come one by one are not compared with all that is known.
 */
export function readCallsOfMessage(
  given: readonly ToolCallPiece[],
  known: readonly KnownCall[],
  { hasDeltas, isPiece }: { hasDeltas: boolean; isPiece: boolean },
): CallsOfMessage {
  if (known.length === 0 || isPiece) return { rests: [], pieces: [...given], others: [] }
  return hasDeltas ? readBehindDeltas(given, known) : readBehindMessages(given, known)
}

function readBehindDeltas(given: readonly ToolCallPiece[], known: readonly KnownCall[]): CallsOfMessage {
  const read: CallsOfMessage = { rests: [], pieces: [], others: [] }
  for (const piece of given) {
    const sameId = known.findIndex(({ id }) => id !== '' && id === piece.id)
    const place = sameId < 0 ? known.findIndex((call) => restOf(piece, call) !== undefined) : sameId
    const call = known[place]
    const text = call && restOf(piece, call)
    if (text === undefined) read.others.push(piece)
    else read.rests.push({ place, text, state: piece.state })
  }
  return read
}

function readBehindMessages(given: readonly ToolCallPiece[], known: readonly KnownCall[]): CallsOfMessage {
  const rests: CallRest[] = []
  if (given.length >= known.length) {
    for (const [place, call] of known.entries()) {
      const piece = given[place]
      const text = piece && (!piece.id || call.id === '' || piece.id === call.id) ? restOf(piece, call) : undefined
      if (piece === undefined || text === undefined) break
      rests.push({ place, text, state: piece.state })
    }
  }
  if (rests.length < known.length) return { rests: [], pieces: [...given], others: [] }
  return { rests, pieces: given.slice(known.length), others: [] }
}

/** What the arguments of a call add to those of the known one; undefined where it is another call, or a piece. */
function restOf({ name, arguments: text = '' }: ToolCallPiece, call: KnownCall): string | undefined {
  if (name !== call.name) return undefined
  const mayBeSame = call.isWhole && Math.max(text.length, call.length) <= COMPARED_LENGTH
  if (text.length < call.length && !mayBeSame) return undefined
  const before = call.pieces.join('')
  if (text.startsWith(before)) return text.slice(before.length)
  return mayBeSame && isSame(text, before) ? '' : undefined
}

/** Servers that write the arguments again may set other blanks. */
function isSame(text: string, other: string): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(text), JSON.parse(other))
  } catch {
    return false
  }
}
