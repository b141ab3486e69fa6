import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import { createReadPace } from '../bounds/read-pace.ts'
import type { Share, SharedBudget } from '../bounds/shared-budget.ts'
import type { Turns } from '../bounds/turns.ts'

/** What came of a message of one socket that is not whole yet. */
export interface SocketFrames {
  /** A message that is whole, and was counted, is done with. */
  end(data: Buffer): void
  /** To be asked at intervals: whether the same large message has not become whole for three of them. */
  isStuck(): boolean
}

/** Smaller ones are left to the bound of connections. */
const MIN_BYTES = 65_536
const STUCK_AFTER = 3
/** Of a control frame by a client. */
const HEAD_BYTES = 6

/**
 * Counts a large message from its beginning until it is done with, and has it read in turns with others; `drop` is
 * called when others need the room more.
 */
export function watchFrames(
  { client, raw }: { client: WebSocket; raw: Socket },
  { incoming, turns }: { incoming: SharedBudget; turns: Turns },
  drop: () => void,
): SocketFrames {
  let readBefore = raw.bytesRead
  let share: Share | undefined
  /** Of the messages that are whole. */
  const shares = new Map<Buffer, Share>()
  let asked = 0
  const pace = createReadPace(raw, turns, () => !client.isPaused)

  raw.on('data', (piece: Buffer) => {
    const bytes = raw.bytesRead - readBefore
    if (bytes < MIN_BYTES) return
    share ??= incoming.open(drop)
    share.hold(bytes)
    pace.add(piece.length)
  })
  client.on('message', (data: Buffer) => {
    // What has come of the next one already is less than one read.
    readBefore = raw.bytesRead
    pace.restart()
    if (share === undefined) return
    share.keep()
    shares.set(data, share)
    share = undefined
    asked = 0
  })
  client.on('ping', skip)
  client.on('pong', skip)
  client.once('close', () => {
    share?.close()
    for (const open of shares.values()) open.close()
  })

  function end(data: Buffer): void {
    shares.get(data)?.close()
    shares.delete(data)
  }

  /** These come between the frames of a message. */
  function skip(data: Buffer): void {
    readBefore += HEAD_BYTES + data.length
  }

  function isStuck(): boolean {
    if (share === undefined) return false
    asked += 1
    return asked >= STUCK_AFTER
  }

  return { end, isStuck }
}
