import { CALL_ASSEMBLY } from './call-dialects.ts'
import { CALL_FIELDS, DELTA_FIELDS, ITEM_FIELDS, ITEM_TYPES, THOUGHT_TAGS } from './delta-dialects.ts'
import type { Dialect, NamedDialect, TreatedDialect } from './dialect.ts'
import { ERROR_FIELDS, ERROR_MEANINGS } from './error-dialects.ts'
import { FINISH_FIELDS, FINISH_STEMS, FINISH_WORDS } from './finish-dialects.ts'
import { ENDS, FRAMING } from './frame-dialects.ts'
import { PROMPTS } from './prompt-dialects.ts'
import { SILENT, SILENT_LINES, UNKNOWN } from './silent-dialects.ts'
import { USAGE_NUMBERS, USAGE_PLACES } from './usage-dialects.ts'

/** Rows about one thing. */
export interface DialectChapter {
  title: string
  rows: readonly (Dialect<string | number> & Partial<Pick<NamedDialect, 'names'> & Pick<TreatedDialect, 'by'>>)[]
}

/** All that is known of what servers send, in the order in which it is read. */
export const DIALECTS: readonly DialectChapter[] = [
  { title: 'Between the bytes and JSON', rows: FRAMING },
  { title: 'Events, choices and the end', rows: ENDS },
  { title: 'Fields of a delta', rows: DELTA_FIELDS },
  { title: 'Items of a content that is a list, by their type', rows: ITEM_TYPES },
  { title: 'Fields of an item', rows: ITEM_FIELDS },
  { title: 'Tags', rows: THOUGHT_TAGS },
  { title: 'Fields of a call', rows: CALL_FIELDS },
  { title: 'Pieces of calls', rows: CALL_ASSEMBLY },
  { title: 'Where the end is told', rows: FINISH_FIELDS },
  { title: 'Finish reasons', rows: FINISH_WORDS },
  { title: 'Finish reasons that nobody has described, by a part of the word', rows: FINISH_STEMS },
  { title: 'Places of usage', rows: USAGE_PLACES },
  { title: 'Numbers of usage', rows: USAGE_NUMBERS },
  { title: 'Fields of an error', rows: ERROR_FIELDS },
  { title: 'Codes of errors, by a part of the word, as a status', rows: ERROR_MEANINGS },
  { title: 'What says nothing', rows: SILENT },
  { title: 'Lines that say nothing', rows: SILENT_LINES },
  { title: 'What nobody knows', rows: UNKNOWN },
  { title: 'Prompts', rows: PROMPTS },
]
