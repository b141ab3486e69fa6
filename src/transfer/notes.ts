/** Something of a file that was left out, cut or changed on its way in. */
export interface Note {
  /** What, in words that are the same wherever it happens; that counts them together. */
  what: string
  /** Where in the file, for people. */
  place: string
  /** Whether something was lost that people would miss. */
  isLoss: boolean
}

/** Takes what is noted while a file is read. */
export interface Notes {
  /** Left out, and missed by nobody, or changed with all that it says. */
  change(place: string, what: string): void
  /** Left out though somebody may miss it. */
  loss(place: string, what: string): void
  /** The same notes, with a place before theirs. */
  below(place: string): Notes
}

/** How often something was noted, and the first places. */
export interface NoteCount {
  what: string
  count: number
  places: string[]
}

const MAX_PLACES = 5
const MAX_PLACE_LENGTH = 120
/** Kinds beyond that are one: a file may make up words. */
const MAX_KINDS = 50

/** Notes that go to a list. */
export function createNotes(list: Note[], place = ''): Notes {
  const add = (at: string, what: string, isLoss: boolean) => list.push({ what, place: joinPlaces(place, at), isLoss })
  return {
    change: (at, what) => add(at, what, false),
    loss: (at, what) => add(at, what, true),
    below: (at) => createNotes(list, joinPlaces(place, at)),
  }
}

/** Counts the notes of one conversation with those of others. */
export function countNotes(counts: NoteCount[], notes: readonly Note[], source: string): void {
  for (const { what, place } of notes) {
    const kind = counts.length < MAX_KINDS ? what : (counts.at(-1)?.what ?? what)
    const known = counts.find((each) => each.what === what) ?? counts.find((each) => each.what === kind)
    const count = known ?? { what, count: 0, places: [] }
    if (known === undefined) counts.push(count)
    count.count++
    const at = `${source}: ${place}`.slice(0, MAX_PLACE_LENGTH).toWellFormed()
    if (count.places.length < MAX_PLACES) count.places.push(at)
  }
}

function joinPlaces(before: string, at: string): string {
  if (before === '' || at === '') return before + at
  return at.startsWith('[') ? before + at : `${before}.${at}`
}
