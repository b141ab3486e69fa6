import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Turns } from '../bounds/turns.ts'

/** Handles one message. `onBegun` may be called before it resolves: what is left then holds up no later message. Never rejects. */
export type HandleMessage = (data: Buffer, onBegun: () => void) => Promise<void>

/** What one socket may have begun and not answered: so many messages, of so many bytes if it is more than one. */
export const MAX_BEGUN_MESSAGES = 16
const MAX_BEGUN_BYTES = 4_194_304
/** While more of its answers wait to be read, nothing more is begun. */
export const MAX_UNREAD_FRAME_BYTES = 1_048_576

/**
 * Handles the messages of one socket in the order of their coming, no faster than its answers are read: while there
 * is no room for more, the socket is not read from. `onEnd` is called when a message holds up no other any more.
 */
export function takeInTurn(
  { client, raw, turns }: { client: WebSocket; raw: Socket; turns: Turns },
  handle: HandleMessage,
  onEnd: (data: Buffer) => void = () => {},
): void {
  const waiting: Buffer[] = []
  let begun = 0
  let begunBytes = 0
  let isTaking = false

  client.on('message', (data: Buffer) => {
    waiting.push(data)
    void takeAll()
  })
  raw.on('drain', () => void takeAll())

  async function takeAll(): Promise<void> {
    if (isTaking) return
    isTaking = true
    while (hasRoom()) {
      const turn = turns.next(waiting[0]?.length)
      if (turn !== undefined) await turn
      begin(waiting.shift())
    }
    isTaking = false
    if (waiting.length === 0) client.resume()
    else client.pause()
  }

  function hasRoom(): boolean {
    const [next] = waiting
    if (next === undefined || begun >= MAX_BEGUN_MESSAGES) return false
    const hasBytes = begun === 0 || begunBytes + next.length <= MAX_BEGUN_BYTES
    return hasBytes && client.bufferedAmount <= MAX_UNREAD_FRAME_BYTES
  }

  function begin(data: Buffer | undefined): void {
    if (data === undefined) return
    const bytes = data.length
    begun += 1
    begunBytes += bytes
    let isBegun = false
    const settle = () => {
      if (isBegun) return
      isBegun = true
      begun -= 1
      begunBytes -= bytes
      onEnd(data)
      void takeAll()
    }
    void handle(data, settle).then(settle)
  }
}
