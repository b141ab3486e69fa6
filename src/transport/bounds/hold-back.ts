import type { Socket } from 'node:net'

/** A connection that is not read from. */
export interface HeldConnection {
  release(): void
}

/**
 * Reads nothing from a connection until it is released, also when one of its requests asks for more: each does by
 * itself as long as it has room.
 */
export function holdBack(socket: Socket): HeldConnection {
  function pause(): void {
    socket.pause()
  }

  function release(): void {
    socket.off('resume', pause)
    socket.resume()
  }

  socket.on('resume', pause)
  pause()
  return { release }
}
