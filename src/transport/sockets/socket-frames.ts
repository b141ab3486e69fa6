import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Share, SharedBudget } from '../bounds/shared-budget.ts'

/** What came of a message of one socket that is not whole yet. */
export interface SocketFrames {
  /** To be asked at intervals: whether the same large message has not become whole for three of them. */
  isStuck(): boolean
}

/** Smaller ones are left to the bound of connections. */
const MIN_BYTES = 65_536
const STUCK_AFTER = 3
/** Of a control frame by a client. */
const HEAD_BYTES = 6

/** Counts a large message from its beginning on; `drop` is called when others need the room more. */
export function watchFrames(
  { client, raw }: { client: WebSocket; raw: Socket },
  incoming: SharedBudget,
  drop: () => void,
): SocketFrames {
  let readBefore = raw.bytesRead
  let share: Share | undefined
  let asked = 0

  raw.on('data', () => {
    const bytes = raw.bytesRead - readBefore
    if (bytes < MIN_BYTES) return
    share ??= incoming.open(drop)
    share.hold(bytes)
  })
  client.on('message', end)
  client.on('ping', skip)
  client.on('pong', skip)
  client.once('close', end)

  function end(): void {
    // What has come of the next one already is less than one read.
    readBefore = raw.bytesRead
    share?.close()
    share = undefined
    asked = 0
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

  return { isStuck }
}
