import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Log } from '../../log.ts'
import type { SharedBudget } from '../bounds/shared-budget.ts'
import type { Turns } from '../bounds/turns.ts'
import { type SocketFrames, watchFrames } from './socket-frames.ts'

/** How long a socket may be silent. */
export interface SilenceLimits {
  /** One that reads nothing for so long while something waits for it is cut off. */
  maxStalledMs: number
  pingMs: number
}

/** Pings are sent as often as proxies need them; an answer may take so long. */
const MAX_SILENT_MS = 12_000

/** Drops a client that answers no ping, does not read what waits for it, or does not end what it has begun to send. */
export function dropSilent(
  { client, raw }: { client: WebSocket; raw: Socket },
  shared: { incoming: SharedBudget; turns: Turns },
  { maxStalledMs, pingMs }: SilenceLimits,
  log: Log,
): SocketFrames {
  const frames = watchFrames({ client, raw }, shared, () => drop('its message is not whole, and others need the room'))
  let isSilent = false
  let sinceLookMs = 0
  client.on('pong', () => {
    isSilent = false
  })
  const ping = setInterval(() => {
    if (client.readyState !== client.OPEN) return
    sinceLookMs += pingMs
    if (sinceLookMs >= MAX_SILENT_MS) look()
    if (client.readyState === client.OPEN) client.ping()
  }, pingMs)
  client.once('close', () => clearInterval(ping))
  // Node's timer starts anew whenever anything moves, within a large frame too.
  raw.setTimeout(maxStalledMs)
  raw.on('timeout', () => {
    if (raw.writableLength > 0) drop('it does not read')
  })

  function look(): void {
    sinceLookMs = 0
    if (frames.isStuck()) drop('its message does not become whole')
    // Behind what waits to be read it has not seen the ping.
    else if (isSilent && raw.writableLength === 0) drop('it answers no ping')
    isSilent = true
  }

  function drop(reason: string): void {
    log.debug({ reason }, 'socket dropped')
    client.terminate()
  }

  return frames
}
