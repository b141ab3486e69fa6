import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { Share, SharedBudget } from './bounds/shared-budget.ts'
import type { Turns } from './bounds/turns.ts'

/** Reads the bodies of requests, within what one and all of them may take. */
export interface RequestBodies {
  /**
   * The whole body, or why it is not read, as soon as that is known. Rejects when the client disconnects before its
   * end. What it takes counts until the response is closed.
   */
  read(request: IncomingMessage, response: ServerResponse): Promise<Buffer | BodyRefusal>
}

/** Why a body is not read, as an answer says it. */
export interface BodyRefusal {
  status: number
  code: string
  message: string
}

/** Bytes that came in pieces. */
interface Collected {
  /** What they take. */
  readonly heldBytes: number
  /** False when that is too much. */
  add(chunk: Buffer): boolean
  whole(): Buffer
}

/** Pieces of one body: those of a few bytes cost more than they hold. */
const MAX_BODY_CHUNKS = 10_000

const MIN_BUFFER_BYTES = 16_384
const NOTHING = Buffer.alloc(0)
const IN_CRUMBS = {
  status: 413,
  code: 'PAYLOAD_TOO_LARGE',
  message: `The body must come in at most ${MAX_BODY_CHUNKS} pieces.`,
}
const CROWDED = { status: 503, code: 'RATE_LIMITED', message: 'Too much is being sent at once; try again.' }

/** Pieces are copied into one buffer as they come; one that is the whole body is taken as it is. */
export function createRequestBodies(maxBytes: number, budget: SharedBudget, turns: Turns): RequestBodies {
  return { read }

  /** It listens to events, as an iterator costs more than all the rest. */
  function read(request: IncomingMessage, response: ServerResponse): Promise<Buffer | BodyRefusal> {
    return new Promise((resolve, reject) => {
      const length = Number(request.headers['content-length'] ?? Number.NaN)
      if (length > maxBytes) return resolve(tooLarge(maxBytes))
      const collected = collect(length, maxBytes)
      let share: Share | undefined
      let chunks = 0
      let isPaced = false
      const take = (chunk: Buffer) => {
        chunks += 1
        if (chunks > MAX_BODY_CHUNKS) return refuseCrumbs()
        if (!collected.add(chunk)) return refuse(tooLarge(maxBytes))
        if (collected.heldBytes === 0) return
        share ??= open()
        share.hold(collected.heldBytes)
        pace()
      }
      // Node reads two megabytes of one connection before it turns to the next.
      const pace = () => {
        const turn = isPaced ? undefined : turns.next()
        if (turn === undefined) return
        isPaced = true
        request.socket.pause()
        void turn.then(() => {
          isPaced = false
          request.socket.resume()
        })
      }
      const open = () => {
        const opened = budget.open(() => refuse(CROWDED))
        response.once('close', opened.close)
        return opened
      }
      const end = () => {
        share?.keep()
        resolve(collected.whole())
      }
      const refuse = (refusal: BodyRefusal) => {
        // Destroying the request would close the connection before the answer.
        request.off('data', take).off('end', end).pause()
        share?.close()
        resolve(refusal)
      }
      const refuseCrumbs = () => {
        refuse(IN_CRUMBS)
        // Reading on costs as much as taking it does.
        request.socket.pause()
        // By then the answer is on its way.
        setImmediate(() => request.socket.destroySoon())
      }
      request.on('data', take).once('end', end).once('error', reject)
    })
  }
}

/** The request with its body to be read once more. Its content type is in small letters, the only ones that Yoga knows. */
export function withBody({ method, url, headers: own, socket }: IncomingMessage, body: Buffer): IncomingMessage {
  const headers = { ...own, 'content-type': own['content-type']?.toLowerCase() }
  return Object.assign(Readable.from([body]), { method, url, headers, socket }) as unknown as IncomingMessage
}

/** `length` is what the client says; it is not believed before it came. */
function collect(length: number, maxBytes: number): Collected {
  let buffer: Buffer = NOTHING
  let bytes = 0
  let heldBytes = 0

  function add(chunk: Buffer): boolean {
    const needed = bytes + chunk.length
    if (needed > maxBytes) return false
    if (needed === length && bytes === 0) buffer = chunk
    else {
      if (needed > heldBytes) grow(needed)
      chunk.copy(buffer, bytes)
    }
    bytes = needed
    return true
  }

  function grow(needed: number): void {
    heldBytes = Math.min(Math.max(needed, 2 * heldBytes, MIN_BUFFER_BYTES), length || maxBytes)
    const larger = Buffer.allocUnsafeSlow(heldBytes)
    buffer.copy(larger, 0, 0, bytes)
    buffer = larger
  }

  return {
    add,
    whole: () => buffer.subarray(0, bytes),
    get heldBytes() {
      return heldBytes
    },
  }
}

function tooLarge(maxBytes: number): BodyRefusal {
  return { status: 413, code: 'PAYLOAD_TOO_LARGE', message: `The body must be at most ${maxBytes} bytes.` }
}
