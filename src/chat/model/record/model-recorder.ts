import { randomBytes } from 'node:crypto'
import PQueue from 'p-queue'
import Tinypool from 'tinypool'
import type { Exchange, Masking, RecordedCaseTask } from './recorded-case.ts'
import { createRecordingFolder } from './recording-folder.ts'

/** Keeps what is asked of a model's server and what it answers, each exchange as a file. */
export interface ModelRecorder {
  /** Makes the folder and tries whether it takes a file; whether it does. What is wrong is told by `onFault`. */
  prepare(): Promise<boolean>
  /** Asks as the platform's own `fetch`; the answer is kept while it is read, and written when it has ended. */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Resolves when all that was asked so far has ended and is written. */
  drain(): Promise<void>
  /** Ends its thread; what is not written by then never is. */
  close(): Promise<void>
}

/** What the recorder is made of. */
export interface ModelRecorderDeps {
  /** The folder; it is made where it is missing. */
  path: string
  masking: Masking
  now(): number
  /** A file that could not be written, or an answer that was not kept since too much is held. */
  onFault(error: unknown): void
  onSuccess(): void
}

/** How much is kept. */
export interface ModelRecorderLimits {
  /** Of one answer, in bytes: what comes behind is passed on and not kept. A longer request is left out. */
  maxBodyBytes: number
  /** Of all answers that run or wait to be written. */
  maxHeldBytes: number
  maxFiles: number
}

const LIMITS: ModelRecorderLimits = {
  maxBodyBytes: 1024 * 1024,
  maxHeldBytes: 64 * 1024 * 1024,
  maxFiles: 1_000,
}

/** Those that decide how an answer is read. */
const HEADERS = ['content-type', 'retry-after', 'retry-after-ms']
/** A thread that had nothing to do for so long is ended. */
const IDLE_MS = 10_000

/** A recorder that never delays an answer: what it cannot keep is left out, and told by `onFault`. */
export function createModelRecorder(deps: ModelRecorderDeps, limits: ModelRecorderLimits = LIMITS): ModelRecorder {
  const folder = createRecordingFolder(deps.path, limits)
  const queue = new PQueue({ concurrency: 1 })
  const running = new Set<Promise<void>>()
  let thread: Tinypool | undefined
  let heldBytes = 0

  async function fetchRecorded(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const response = await fetch(input, init)
    const { status, headers, body } = response
    const told = Object.fromEntries(
      HEADERS.flatMap((name) => (headers.has(name) ? [[name, headers.get(name) ?? '']] : [])),
    )
    const sent = typeof init?.body === 'string' ? init.body : ''
    const request = sent.length > limits.maxBodyBytes ? '' : sent
    const url = input instanceof Request ? input.url : String(input)
    const kept = createKeptBody(request.length)
    const ended = Promise.withResolvers<void>()
    running.add(ended.promise)
    const finish = (end: Exchange['end']) => {
      const { pieces, isShortened, isDropped } = kept.take()
      if (isDropped) deps.onFault(new Error('too many answers are held'))
      else write({ url, request, status, headers: told, pieces, end, isShortened }, kept.release)
      running.delete(ended.promise)
      ended.resolve()
    }
    if (body === null) {
      finish('WHOLE')
      return response
    }
    return new Response(observe(body, kept.add, finish, init?.signal), { status, headers })
  }

  /** What of one answer is kept in memory. */
  function createKeptBody(requestLength: number) {
    const pieces: Uint8Array[] = []
    let length = 0
    let isShortened = false
    let isDropped = false
    let held = 0
    hold(requestLength)

    function hold(bytes: number): void {
      held += bytes
      heldBytes += bytes
      if (heldBytes <= limits.maxHeldBytes) return
      isDropped = true
      pieces.length = 0
      release()
    }

    function add(piece: Uint8Array): void {
      if (isShortened || isDropped) return
      const left = limits.maxBodyBytes - length
      isShortened = piece.length > left
      // A copy: what comes from the network may be a view into far more.
      const taken = Uint8Array.prototype.slice.call(piece, 0, left)
      length += taken.length
      if (taken.length > 0) pieces.push(taken)
      hold(taken.length)
    }

    function release(): void {
      heldBytes -= held
      held = 0
    }

    return { add, release, take: () => ({ pieces, isShortened, isDropped }) }
  }

  function write(exchange: Exchange, release: () => void): void {
    const name = `${new Date(deps.now()).toISOString().replaceAll(/[:.]/g, '-')}-${randomBytes(3).toString('hex')}`
    const task: RecordedCaseTask = { id: `R.${name}`, exchange, masking: deps.masking }
    queue
      .add(async () => folder.write(name, await makeCase(task)))
      .then(deps.onSuccess, deps.onFault)
      .finally(release)
  }

  /** In a thread: masking and reading a long answer would hold the event loop. */
  function makeCase(task: RecordedCaseTask): Promise<string> {
    const filename = new URL('./recorded-case.ts', import.meta.url).href
    const options = { name: 'recordedCase', minThreads: 0, maxThreads: 1, idleTimeout: IDLE_MS, execArgv: [] }
    thread ??= new Tinypool({ filename, ...options })
    return thread.run(task)
  }

  async function prepare(): Promise<boolean> {
    return folder.prepare().then(
      () => true,
      (error: unknown) => {
        deps.onFault(error)
        return false
      },
    )
  }

  async function drain(): Promise<void> {
    await Promise.all(running)
    await queue.onIdle()
  }

  async function close(): Promise<void> {
    await thread?.destroy()
  }

  return { prepare, fetch: fetchRecorded, drain, close }
}

/** The same body, whose pieces and end are told; it is asked for no more than its reader asks for. */
function observe(
  body: ReadableStream<Uint8Array>,
  onPiece: (piece: Uint8Array) => void,
  onEnd: (end: Exchange['end']) => void,
  signal: AbortSignal | null | undefined,
): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) {
            onEnd('WHOLE')
            controller.close()
          } else {
            onPiece(value)
            controller.enqueue(value)
          }
        } catch (error) {
          onEnd(signal?.aborted ? 'LEFT' : 'CUT')
          controller.error(error)
        }
      },
      cancel(reason) {
        onEnd('LEFT')
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
