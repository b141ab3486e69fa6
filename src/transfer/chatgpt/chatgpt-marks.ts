import { isObject, listOf } from '../json-fields.ts'

const BEGIN = '\ue200'
const END = '\ue201'
const SEPARATOR = '\ue202'
/** A mark of a text that was cut off has no end. */
const MARK = /\ue200[^\ue200\ue201]{0,10000}\ue201|\ue200[\w\ue202]{0,1000}|[\ue201-\ue206]|【[^【】]{0,1000}】/g
/** Letters of private use that stand in a mark; elsewhere they are somebody's own. */
const HAS_MARKS = /\ue200[a-z_]{1,40}\ue202/
const ENTITY = `${BEGIN}entity${SEPARATOR}`

/**
 * A text of a model without the signs for citations that only ChatGPT's page can read: each becomes the `alt` of its
 * reference, an entity its name, and the others go. Nothing else is changed.
 */
export function readMarks(text: string, references: unknown): string {
  const alts = new Map<string, string>()
  for (const reference of listOf(references)) {
    if (!isObject(reference) || typeof reference.matched_text !== 'string') continue
    const { matched_text: matched, alt } = reference
    // One reference may stand for several marks in a row.
    const [first = '', ...others] = matched.match(MARK) ?? []
    alts.set(first, typeof alt === 'string' ? alt : '')
    for (const other of others) if (!alts.has(other)) alts.set(other, '')
  }
  const hasMarks = HAS_MARKS.test(text)
  if (!hasMarks && !text.includes('【')) return text
  return text.replace(MARK, (mark) => {
    const alt = alts.get(mark)
    if (mark.startsWith('【')) return alt ?? mark
    if (!hasMarks) return mark
    return alt || entityName(mark)
  })
}

function entityName(mark: string): string {
  if (!mark.startsWith(ENTITY) || !mark.endsWith(END)) return ''
  try {
    const values: unknown = JSON.parse(mark.slice(ENTITY.length, -END.length))
    const [, name] = listOf(values)
    return typeof name === 'string' ? name : ''
  } catch {
    return ''
  }
}
