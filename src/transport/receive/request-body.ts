import type { IncomingMessage, ServerResponse } from 'node:http'
import { nextTick } from 'node:process'
import { Readable } from 'node:stream'
import { createReadPace } from '../bounds/read-pace.ts'
import type { Share, SharedBudget } from '../bounds/shared-budget.ts'
import type { Turns } from '../bounds/turns.ts'

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
  headers?: Record<string, string>
}

/** A body that is there until what it says is known: its operation may take long, and its text is in memory twice then. */
export interface ReceivedBody {
  body: Buffer
}

/** Lets a body go that nobody reads any more. */
export function forget(received: ReceivedBody): void {
  received.body = NOTHING
}

/** Bytes that came in pieces. */
interface Collected {
  readonly bytes: number
  /** The first piece is all of them. */
  readonly isWhole: boolean
  /** False when that is too much. */
  add(chunk: Buffer): boolean
  /** All of it, which is forgotten here. */
  whole(): Buffer
}

/** Pieces of one body: those of a few bytes cost more than they hold, and Node reads ten thousand of one byte at once. */
const MAX_BODY_CHUNKS = 10_000
const MAX_SMALL_CHUNKS = 1_000
const MIN_CHUNK_BYTES = 64

const MIN_BUFFER_BYTES = 16_384
/** Each copy leaves the one before to be collected. */
const GROWTH = 4
/** The budget learns of so many at a time. */
const NOTED_BYTES = 16_384
const NOTHING = Buffer.alloc(0)
/** Proxies are told that they cannot use the connection for the next request. */
const CUT = { headers: { connection: 'close' } }
const IN_CRUMBS = {
  ...CUT,
  status: 413,
  code: 'PAYLOAD_TOO_LARGE',
  message: `The body must come in at most ${MAX_BODY_CHUNKS} pieces, and more than ${MAX_SMALL_CHUNKS} must have ${MIN_CHUNK_BYTES} bytes each on average.`,
}
const CROWDED = { ...CUT, status: 503, code: 'RATE_LIMITED', message: 'Too much is being sent at once; try again.' }

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
      let noted = 0
      const take = (chunk: Buffer) => {
        chunks += 1
        if (isInCrumbs(chunks, collected.bytes + chunk.length)) return cut(IN_CRUMBS)
        if (!collected.add(chunk)) return refuse(tooLarge(maxBytes))
        if (collected.isWhole || collected.bytes < noted) return
        noted = collected.bytes + NOTED_BYTES
        share ??= open()
        share.hold(collected.bytes)
      }
      const open = () => {
        const opened = budget.open(() => cut(CROWDED))
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
      const cut = (refusal: BodyRefusal) => {
        refuse(refusal)
        // Reading on to the end would cost as much as taking it does. By then the answer is on its way.
        queueMicrotask(() => nextTick(() => request.socket.destroySoon()))
        // What is read already is told piece by piece, and else kept.
        request.socket.once('finish', () => request.destroy())
      }
      const pace = createReadPace(request.socket, turns)
      // Also of a body that is read to its end only to be forgotten.
      request.on('data', (chunk: Buffer) => pace.add(chunk.length))
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
  let isWhole = false

  function add(chunk: Buffer): boolean {
    const needed = bytes + chunk.length
    if (needed > maxBytes) return false
    if (needed === length && bytes === 0) {
      buffer = chunk
      isWhole = true
    } else {
      if (needed > buffer.length) grow(needed)
      chunk.copy(buffer, bytes)
    }
    bytes = needed
    return true
  }

  /** Memory that is not written to takes none. */
  function grow(needed: number): void {
    const size = Math.max(needed, GROWTH * buffer.length, MIN_BUFFER_BYTES)
    const larger = Buffer.allocUnsafeSlow(Math.min(size, length || maxBytes))
    buffer.copy(larger, 0, 0, bytes)
    buffer = larger
  }

  return {
    add,
    whole() {
      const all = buffer.subarray(0, bytes)
      buffer = NOTHING
      return all
    },
    get bytes() {
      return bytes
    },
    get isWhole() {
      return isWhole
    },
  }
}

function isInCrumbs(chunks: number, bytes: number): boolean {
  return chunks > MAX_BODY_CHUNKS || (chunks > MAX_SMALL_CHUNKS && bytes < chunks * MIN_CHUNK_BYTES)
}

function tooLarge(maxBytes: number): BodyRefusal {
  return { status: 413, code: 'PAYLOAD_TOO_LARGE', message: `The body must be at most ${maxBytes} bytes.` }
}
