import { createDeltaPlacer, type PlacedText } from './delta-placer.ts'
import type { ReplyLogHandlers } from './reply-log.ts'
import type { RetryGate } from './retry-gate.ts'

/** One reader's place in a reply's text. */
export interface ReplyLogReader {
  /** Takes what the channel carried; undefined is a notification. */
  receive(placed: PlacedText | undefined): void
  /** The channel is subscribed, now or again: reads what it did not carry. */
  subscribed(): void
  stop(): void
}

/** The store that is read, and when a read that failed is worth another. */
export interface ReplyLogReaderDeps {
  gate: Pick<RetryGate, 'wait'>
  /** The stored text beyond a place, or its next pieces. May reject. */
  read(from: number): Promise<PlacedText[]>
}

/** How a reader reads. */
export interface ReplyLogReaderLimits {
  /** Fewer pieces in one answer are all there is. */
  readChunks: number
}

/** The store has all text in order and the channel saves reading it: whatever the channel lost is read. */
export function createReplyLogReader(
  { read, gate }: ReplyLogReaderDeps,
  limits: ReplyLogReaderLimits,
  handlers: ReplyLogHandlers,
  from: number,
): ReplyLogReader {
  const placer = createDeltaPlacer(handlers.onText?.bind(handlers), from)
  const stopping = new AbortController()
  /** What arrives while the store is read, whose answer may lack it; undefined when nothing is being read. */
  let held: PlacedText[] | undefined
  let isCatchingUp = false
  let readAgain = false

  async function catchUp(): Promise<void> {
    readAgain = true
    if (isCatchingUp) return
    isCatchingUp = true
    while (readAgain && !stopping.signal.aborted) {
      readAgain = false
      try {
        await readOn()
      } catch {
        // What arrives until then is read as well.
        held = undefined
        readAgain = true
        await untilRetry()
      }
    }
    isCatchingUp = false
  }

  function untilRetry(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = gate.wait({ retry: resolve })
      stopping.signal.addEventListener('abort', () => resolve(cancel()), { once: true })
    })
  }

  /** Reads to the end of what is stored, or to where it helps no further. */
  async function readOn(): Promise<void> {
    const arrived: PlacedText[] = []
    held = arrived
    let before: number
    let chunks: PlacedText[]
    do {
      before = placer.position
      chunks = await read(before)
      placeAll(chunks)
    } while (chunks.length === limits.readChunks && placer.position > before)
    held = undefined
    // What does not fit now was published and then lost by the store: it will be written and published again.
    placeAll(arrived)
  }

  function placeAll(placed: readonly PlacedText[]): void {
    for (const each of placed) if (!stopping.signal.aborted) placer.place(each)
  }

  function receive(placed: PlacedText | undefined): void {
    if (stopping.signal.aborted) return
    if (placed === undefined) handlers.onNotify()
    else if (held !== undefined) held.push(placed)
    else if (!placer.place(placed)) void catchUp()
  }

  function subscribed(): void {
    if (stopping.signal.aborted) return
    void catchUp()
    handlers.onNotify()
  }

  function stop(): void {
    stopping.abort()
  }

  return { receive, subscribed, stop }
}
