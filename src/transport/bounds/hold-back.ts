import type { Socket } from 'node:net'

/** A connection that is not read from. */
export interface HeldConnection {
  /** Reads on, unless somebody else holds it. */
  release(mayRead?: boolean): void
}

/**
 * Reads nothing from a connection until it is released, also when one of its requests asks for more: each does by
 * itself as long as it has room.
 */
export function holdBack(socket: Socket): HeldConnection {
  function pause(): void {
    socket.pause()
  }

  function release(mayRead = true): void {
    socket.off('resume', pause)
    if (mayRead) socket.resume()
  }

  socket.on('resume', pause)
  pause()
  return { release }
}
