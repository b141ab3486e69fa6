import { FINISH_STEMS, FINISH_WORDS, type FinishMeaning } from './dialects/finish-dialects.ts'

const WORDS: ReadonlyMap<string, FinishMeaning> = new Map(
  FINISH_WORDS.flatMap(({ names, reads }) => names.map((word) => [word, reads] as const)),
)

const MAX_WORD = 64

/** What the word for an answer's end means; undefined where there is none, or none that is known. */
export function finishMeaningOf(given: unknown): FinishMeaning | undefined {
  const word = finishWordOf(given)
  const known = WORDS.get(word)
  if (known !== undefined || word === '') return known
  return FINISH_STEMS.find(({ names }) => names.some((stem) => word.includes(stem)))?.reads
}

/** The word in small letters, without the name of its enum; `""` where there is none. */
export function finishWordOf(given: unknown): string {
  if (typeof given !== 'string') return ''
  const plain = given
    .trim()
    .slice(-MAX_WORD)
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]/g, '_')
  const word = plain.slice(plain.lastIndexOf('.') + 1)
  return word.startsWith('finish_reason_') ? word.slice('finish_reason_'.length) : word
}
