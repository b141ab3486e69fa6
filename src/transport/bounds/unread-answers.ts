import type { Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import type { Log } from '../../log.ts'
import type { Bounds } from './bounds.ts'
import type { Connections } from './connections.ts'

/** What waits for clients to read it. */
export interface UnreadAnswers {
  /** To be called before more of it is made: what is over the bound goes at once, and not at the next check. */
  makeRoom(): void
}

/** What waits for a client, and at how many checks in a row it was no less than before. */
interface Unread {
  bytes: number
  checks: number
}

/**
 * Cuts off clients for whom something waits and who do not read: one that has read nothing for `maxStalledMs`, and
 * when all that waits is more than `maxUnreadBytes`, those that have not read for longest. Who reads slowly but
 * steadily goes on.
 */
export function cutUnreadAnswers(
  http: HttpServer,
  connections: Connections,
  { maxStalledMs, maxUnreadBytes, unreadCheckMs }: Pick<Bounds, 'maxStalledMs' | 'maxUnreadBytes' | 'unreadCheckMs'>,
  log: Log,
): UnreadAnswers {
  let before = new Map<Socket, Unread>()
  let timer: NodeJS.Timeout | undefined

  // Node's timer starts anew whenever anything moves, within a large answer too.
  http.timeout = maxStalledMs
  http.on('timeout', (socket: Socket) => {
    if (socket.writableLength > 0) cut(socket)
    else if (!connections.isUsed(socket)) socket.destroy()
  })
  http.on('listening', () => {
    timer = setInterval(check, unreadCheckMs).unref()
  })
  http.on('close', () => clearInterval(timer))

  function check(): void {
    const unread = new Map<Socket, Unread>()
    for (const socket of connections.all()) {
      const bytes = socket.writableLength
      if (bytes === 0) continue
      const known = before.get(socket)
      unread.set(socket, { bytes, checks: known !== undefined && known.bytes <= bytes ? known.checks + 1 : 0 })
    }
    before = unread
    cutSlowest(unread)
  }

  function makeRoom(): void {
    const unread = new Map<Socket, Unread>()
    for (const socket of connections.all()) {
      const bytes = socket.writableLength
      if (bytes > 0) unread.set(socket, { bytes, checks: before.get(socket)?.checks ?? -1 })
    }
    cutSlowest(unread)
  }

  function cutSlowest(unread: ReadonlyMap<Socket, Unread>): void {
    let total = 0
    for (const { bytes } of unread.values()) total += bytes
    if (total <= maxUnreadBytes) return
    const slowest = [...unread].sort(([, a], [, b]) => b.checks - a.checks || b.bytes - a.bytes)
    for (const [socket, { bytes }] of slowest) {
      if (total <= maxUnreadBytes) return
      total -= bytes
      cut(socket)
    }
  }

  function cut(socket: Socket): void {
    log.debug({ bytes: socket.writableLength }, 'a client was cut off: it does not read')
    socket.destroy()
  }

  return { makeRoom }
}
