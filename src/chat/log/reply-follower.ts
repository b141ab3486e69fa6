import { setTimeout } from 'node:timers/promises'
import type { ReplyLogListener } from './reply-log.ts'
import { createReplyPlacer, type PlacedText } from './reply-placer.ts'

/** One follower's place in a reply's text. */
export interface ReplyFollower {
  /** What the channel told; undefined when it was a wake. */
  take(placed: PlacedText | undefined): void
  /** The channel is listened to, now or again: reads what it did not tell. */
  joined(): void
  stop(): void
}

/** What following a reply needs. */
export interface ReplyFollowerParts {
  /** The stored text beyond a place, or its next part. */
  read(from: number): Promise<PlacedText[]>
}

/** How a follower reads and tries again. */
export interface ReplyFollowerLimits {
  /** How long after a failure the text is read again. */
  retryMs: number
  /** Fewer in one reading are all there is. */
  readChunks: number
}

/** The store has all text in order, the channel saves reading it: whatever the channel lost is read. */
export function createReplyFollower(
  { read }: ReplyFollowerParts,
  limits: ReplyFollowerLimits,
  listener: ReplyLogListener,
  from: number,
): ReplyFollower {
  const placer = createReplyPlacer(listener, from)
  const stopping = new AbortController()
  /** What arrives during a reading, which may not have it; undefined when nothing is being read. */
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
        await setTimeout(limits.retryMs, undefined, { ref: false, signal: stopping.signal }).catch(() => undefined)
      }
    }
    isCatchingUp = false
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
    // What does not join now was told and then lost by the store: it will be written and told again.
    placeAll(arrived)
  }

  function placeAll(placed: readonly PlacedText[]): void {
    for (const each of placed) if (!stopping.signal.aborted) placer.place(each)
  }

  return {
    take(placed) {
      if (stopping.signal.aborted) return
      if (placed === undefined) listener.onWake()
      else if (held !== undefined) held.push(placed)
      else if (!placer.place(placed)) void catchUp()
    },
    joined() {
      if (stopping.signal.aborted) return
      void catchUp()
      listener.onWake()
    },
    stop() {
      stopping.abort()
    },
  }
}
