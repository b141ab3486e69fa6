import { broken } from '../openai-error.ts'
import { type Fields, fieldsOf } from './fields.ts'

/** The one choice of an answer that is ours: the first that comes. */
export interface OwnChoice {
  /** Its pieces in an event. Throws ModelError where there is no event of an answer. */
  piecesIn(event: Fields): Fields[]
  /** Whether it has the index 0, as nearly all have. */
  readonly isFirst: boolean
}

/** Of an event's choices one is ours; a body that is a list has one for each piece of its answer. */
const MAX_CHOICES = 128

/** Of an answer of which nothing has come yet. */
export function createOwnChoice(): OwnChoice {
  let ownIndex: unknown

  function piecesIn(event: Fields): Fields[] {
    const { choices } = event
    const given = choices === undefined || choices === null ? event : choices
    if (!Array.isArray(given)) {
      const choice = fieldsOf(given)
      if (choice && isChoice(choice)) return [choice]
      if (given === event) return []
      throw broken('The model sent an event that cannot be read.')
    }
    checkCount(given, MAX_CHOICES, 'choices')
    const read = (given as unknown[]).map(fieldsOf).filter((choice) => choice !== undefined)
    if (read.length > 0 && ownIndex === undefined) ownIndex = Number(read[0]?.index ?? 0)
    return read.filter(({ index }) => Number(index ?? 0) === ownIndex)
  }

  return {
    piecesIn,
    get isFirst() {
      return ownIndex === 0
    },
  }
}

function isChoice({ delta, message, text }: Fields): boolean {
  return fieldsOf(delta) !== undefined || fieldsOf(message) !== undefined || typeof text === 'string'
}

/** Throws ModelError: an event of a megabyte has room for half a million of what each takes a microsecond. */
export function checkCount(items: readonly unknown[], most: number, what: string): void {
  if (items.length > most) throw broken(`The model sent an event with more than ${most} ${what}.`)
}
