import type { Socket } from 'node:net'
import { holdBack } from './hold-back.ts'
import { MAX_SMALL_BYTES, type Turns } from './turns.ts'

/** Has something long be read no longer than a turn lasts, and large ones one after another. */
export interface ReadPace {
  /** Takes note of a piece that was read. */
  add(bytes: number): void
  /** What was read so far is done with. */
  restart(): void
}

/** The clock is not for every crumb. */
const MIN_PIECE_BYTES = 4_096
/** So much is read of one before it is the turn of others. */
const PIECES_BYTES = 65_536
const LARGE_PIECES_BYTES = 1_048_576

/** Node reads two megabytes of one connection before it turns to the next. `mayRead` is asked when it is read on. */
export function createReadPace(socket: Socket, turns: Turns, mayRead: () => boolean = () => true): ReadPace {
  let isHeld = false
  let bytes = 0
  let room = 0

  function add(more: number): void {
    bytes += more
    room -= Math.max(more, MIN_PIECE_BYTES)
    if (isHeld || room > 0) return
    const turn = turns.next(bytes)
    room = bytes > MAX_SMALL_BYTES ? LARGE_PIECES_BYTES : PIECES_BYTES
    if (turn === undefined) return
    isHeld = true
    const held = holdBack(socket)
    void turn.then(() => {
      isHeld = false
      held.release(mayRead())
    })
  }

  function restart(): void {
    bytes = 0
    room = 0
  }

  return { add, restart }
}
