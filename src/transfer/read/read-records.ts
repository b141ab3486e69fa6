import { extname } from 'node:path'
import { isObject } from '../json-fields.ts'
import type { Notes } from '../notes.ts'
import { sizeFault, splitElements } from './json-elements.ts'
import { jsonFault } from './json-fault.ts'
import { countMarks } from './json-marks.ts'
import { decodeText, FileFormatError, splitLines } from './read-text.ts'
import type { SourceFile } from './source-files.ts'

/** The JSON of one conversation in a file, or the error at that place, for people. */
export type FileRecord = { place: string; length: number } & ({ value: unknown } | { error: string })

/** Called with the number of bytes read so far. */
type OnBytes = (bytes: number) => void

const LINE_EXTENSIONS = ['.jsonl', '.ndjson']
/** Parsed values take many times the text, and those of nothing but brackets and commas most. */
const MAX_VALUE_LENGTH = 128 * 1024 * 1024
const MAX_VALUE_MARKS = 4_000_000
const LIMITS = { maxLength: MAX_VALUE_LENGTH, maxMarks: MAX_VALUE_MARKS }
const TOO_LONG = { length: MAX_VALUE_LENGTH + 1, marks: 0 }
const EMPTY = 'it is empty: there is nothing to import'
/** So much of a file decides what it is. */
const HEAD_LENGTH = 65_536

/**
 * The conversations of a file, one at a time: the elements of a JSON array, the lines of JSONL, one JSON object, what
 * stands under `conversations` in one, or one list of messages. The beginning of the file decides which. A line or an
 * element that is no JSON, or too large, becomes an error record and the next one is read; a JSON array that breaks off
 * throws FileFormatError.
 */
export async function* readRecords(file: SourceFile, onBytes: OnBytes, notes: Notes): AsyncGenerator<FileRecord> {
  const texts = decodeText(countBytes(file.read(), onBytes), notes)[Symbol.asyncIterator]()
  const { head, length, whole } = await readHead(texts)
  const hasLines = LINE_EXTENSIONS.includes(extname(file.name).toLowerCase())
  // No line is what an export of no conversation writes.
  if (head === '' && length < HEAD_LENGTH && !hasLines) throw new FileFormatError(EMPTY)
  if (hasLines || isLine(head)) yield* readLines(whole)
  else if (head.startsWith('[')) yield* readArray(whole)
  else if (head.startsWith('{')) yield* readWhole(whole)
  else if (head !== '') throw new FileFormatError(`neither JSON nor JSONL: it begins with ${JSON.stringify(head[0])}`)
  else if (length >= HEAD_LENGTH) throw new FileFormatError(`neither JSON nor JSONL: it begins with ${length} spaces`)
}

async function* countBytes(chunks: AsyncIterable<Uint8Array>, onBytes: OnBytes): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    yield chunk
    bytes += chunk.length
    onBytes(bytes)
  }
}

/** The beginning of the text, without leading white space, how long it was with it, and all of the text. */
async function readHead(texts: AsyncIterator<string>): Promise<{
  head: string
  length: number
  whole: AsyncIterable<string>
}> {
  const read: string[] = []
  let length = 0
  while (length < HEAD_LENGTH) {
    const { value, done } = await texts.next()
    if (done) break
    read.push(value)
    length += value.length
  }
  const begun = read.join('')
  async function* whole(): AsyncGenerator<string> {
    yield begun
    yield* { [Symbol.asyncIterator]: () => texts }
  }
  return { head: begun.trimStart(), length, whole: whole() }
}

/** Whether the text begins with an object that ends with its line, which may be longer than what is seen of it. */
function isLine(head: string): boolean {
  if (!head.startsWith('{')) return false
  const [line = '', ...others] = head.split(/\r\n?|\n/)
  return others.length === 0 || canParse(line)
}

async function* readLines(texts: AsyncIterable<string>): AsyncGenerator<FileRecord> {
  let number = 0
  for await (const line of splitLines(texts, MAX_VALUE_LENGTH)) {
    number++
    const place = `line ${number}`
    if (line === undefined) yield tooLarge(place, TOO_LONG)
    // Trimmed of byte order marks too, which stand in the middle where two files were put together.
    else if (line.trim() !== '') yield* parseRecords(place, line.trim())
  }
}

async function* readArray(texts: AsyncIterable<string>): AsyncGenerator<FileRecord> {
  // A list of messages is one conversation.
  const messages: unknown[] = []
  const list = { length: 0, marks: 0 }
  let isMessages = true
  for await (const element of splitElements(texts, LIMITS)) {
    const place = `[${element.index}]`
    const { length, marks } = element
    for (const record of 'text' in element ? parseRecords(place, element.text, marks) : [{ ...element, place }]) {
      if ('value' in record) isMessages &&= isMessage(record.value)
      if (!isMessages || !('value' in record)) yield record
      else {
        list.length += length
        list.marks += marks
        if (isTooLarge(list)) messages.length = 0
        else messages.push(record.value)
      }
    }
  }
  if (isTooLarge(list)) yield tooLarge('the list', list)
  else if (messages.length > 0) yield { place: 'the list', length: list.length, value: messages }
}

function isMessage(value: unknown): boolean {
  return isObject(value) && value.role !== undefined && value.messages === undefined
}

async function* readWhole(texts: AsyncIterable<string>): AsyncGenerator<FileRecord> {
  const pieces: string[] = []
  let length = 0
  for await (const text of texts) {
    length += text.length
    if (length > MAX_VALUE_LENGTH) pieces.length = 0
    else pieces.push(text)
  }
  if (length > MAX_VALUE_LENGTH) yield tooLarge('the object', { length, marks: 0 })
  else yield* parseRecords('the object', pieces.join(''))
}

/** One conversation, or those that stand under `conversations`. */
function* parseRecords(place: string, text: string, marks = countMarks(text)): Generator<FileRecord> {
  const { length } = text
  const size = { length, marks }
  if (isTooLarge(size)) return yield tooLarge(place, size)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return yield { place, length, error: jsonFault(text, error) }
  }
  if (isObject(value) && Array.isArray(value.conversations) && value.messages === undefined) {
    for (const [index, each] of value.conversations.entries()) {
      yield { place: `${place === 'the object' ? '' : `${place}, `}conversations[${index}]`, length: 0, value: each }
    }
  } else yield { place, length, value }
}

function isTooLarge(size: { length: number; marks: number }): boolean {
  return sizeFault(size, LIMITS) !== undefined
}

function tooLarge(place: string, size: { length: number; marks: number }): FileRecord {
  return { place, length: size.length, error: sizeFault(size, LIMITS) ?? '' }
}

function canParse(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
