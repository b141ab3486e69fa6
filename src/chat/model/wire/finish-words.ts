import { namesOf } from './dialects/dialect.ts'
import { FINISH_FIELDS, FINISH_STEMS, FINISH_WORDS, type FinishMeaning } from './dialects/finish-dialects.ts'
import type { Fields } from './fields.ts'

const WORDS: ReadonlyMap<string, FinishMeaning> = new Map(
  FINISH_WORDS.flatMap(({ names, reads }) => names.map((word) => [word, reads] as const)),
)

const MAX_WORD = 64

/** Where a choice says why the answer ends. */
export const FINISH_PLACES: readonly string[] = namesOf(FINISH_FIELDS, 'the reason')
const IS_DONE = namesOf(FINISH_FIELDS, 'an end where it is true')

/** What a choice gives as the reason for the end; `""` where it gives none. */
export function finishWordIn(choice: Fields): string {
  const word = FINISH_PLACES.map((field) => finishWordOf(choice[field])).find((found) => found !== '')
  return word ?? (IS_DONE.some((field) => choice[field] === true) ? 'stop' : '')
}

/** Whether a choice says that the answer goes on or ends, as a server does whose messages are pieces. */
export function saysWhetherDone(choice: Fields): boolean {
  return IS_DONE.some((field) => typeof choice[field] === 'boolean')
}

/** What the word for an answer's end means; undefined where there is none, or none that is known. */
export function finishMeaningOf(given: unknown): FinishMeaning | undefined {
  const word = finishWordOf(given)
  const known = WORDS.get(word)
  if (known !== undefined || word === '') return known
  return FINISH_STEMS.find(({ names }) => names.some((stem) => word.includes(stem)))?.reads
}

/** The word in small letters, without the name of its enum; `""` where there is none. */
function finishWordOf(given: unknown): string {
  if (typeof given !== 'string') return ''
  const plain = given
    .trim()
    .slice(-MAX_WORD)
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]/g, '_')
  const word = plain.slice(plain.lastIndexOf('.') + 1)
  return word.startsWith('finish_reason_') ? word.slice('finish_reason_'.length) : word
}
