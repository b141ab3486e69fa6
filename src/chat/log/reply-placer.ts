import type { ReplyLogListener } from './reply-log.ts'

/** Text and its place, in UTF-16 units. */
export interface PlacedText {
  offset: number
  text: string
}

/** Puts chunks of text in order for one listener. */
export interface ReplyPlacer {
  /** How far the listener's text reaches. */
  readonly position: number
  /** Tells what is new; false when it begins beyond what the listener has. */
  place(placed: PlacedText): boolean
}

/** Places text for one listener that has what comes before `from`: without gaps, and nothing twice. */
export function createReplyPlacer(listener: ReplyLogListener, from: number): ReplyPlacer {
  let position = from
  return {
    get position() {
      return position
    },
    place({ offset, text }) {
      if (offset > position) return false
      const start = position
      const fresh = text.slice(start - offset)
      if (fresh === '') return true
      position += fresh.length
      listener.onText?.(start, fresh)
      return true
    },
  }
}
