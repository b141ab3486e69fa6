/**
 * Where an event stands in its conversation's log. Sequences have no gaps within a generation, so two
 * positions alone tell whether something is missing between them; a log made anew has another
 * generation, so an older cursor never looks like one of its own.
 */
export interface LogPosition {
  /** Up to 16 digits; also the first part of a Redis stream id. */
  generation: string
  /** 0 stands before the first event. */
  sequence: number
}

/** The cursor of the event that stands there. */
export function formatCursor({ generation, sequence }: LogPosition): string {
  return `${generation}-${sequence}`
}

/** Undefined when it is not a cursor of a log. */
export function parseCursor(cursor: string): LogPosition | undefined {
  const [, generation, sequence] = /^(\d{1,16})-(\d{1,15})$/.exec(cursor) ?? []
  return generation === undefined ? undefined : { generation, sequence: Number(sequence) }
}

/** How `next` stands to what was seen last: seen already, the very next, or with something missing between. */
export function comparePosition(seen: LogPosition | undefined, next: LogPosition): 'SEEN' | 'NEXT' | 'GAP' {
  if (seen?.generation !== next.generation) return 'GAP'
  if (next.sequence <= seen.sequence) return 'SEEN'
  return next.sequence === seen.sequence + 1 ? 'NEXT' : 'GAP'
}
