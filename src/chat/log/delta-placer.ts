/** Text and its place, in UTF-16 units. */
export interface PlacedText {
  offset: number
  text: string
}

/** Puts the pieces of one text in order. */
export interface DeltaPlacer {
  /** How far the placed text reaches, in UTF-16 units. */
  readonly position: number
  /** Passes on what is new in this piece; false, with nothing done, when it begins beyond `position`. */
  place(placed: PlacedText): boolean
}

/** Passes text on to `onText` for a reader that has all before `from`: without a gap, and nothing twice. */
export function createDeltaPlacer(
  onText: ((offset: number, text: string) => void) | undefined,
  from: number,
): DeltaPlacer {
  let position = from

  function place({ offset, text }: PlacedText): boolean {
    const start = position
    if (offset > start) return false
    const fresh = text.slice(start - offset)
    if (fresh === '') return true
    position += fresh.length
    onText?.(start, fresh)
    return true
  }

  return {
    place,
    get position() {
      return position
    },
  }
}
