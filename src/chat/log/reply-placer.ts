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
  const placer = {
    position: from,
    place({ offset, text }: PlacedText) {
      const start = placer.position
      if (offset > start) return false
      const fresh = text.slice(start - offset)
      if (fresh === '') return true
      placer.position += fresh.length
      listener.onText?.(start, fresh)
      return true
    },
  }
  return placer
}
