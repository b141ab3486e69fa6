import { extname } from 'node:path'
import { compose, Readable } from 'node:stream'
import { streamArray } from 'stream-json/streamers/stream-array.js'
import { isObject } from './json-fields.ts'
import { createMarkCounter } from './json-marks.ts'
import type { Notes } from './notes.ts'
import { decodeText, FileFormatError, splitLines } from './read-text.ts'
import type { SourceFile } from './source-files.ts'

/** The JSON of one conversation in a file, or the error at that place, for people. */
export type FileRecord = { place: string; length: number } & ({ value: unknown } | { error: string })

/** Called with the number of bytes read so far. */
type OnBytes = (bytes: number) => void

const LINE_EXTENSIONS = ['.jsonl', '.ndjson']
/** Parsed values take many times the text, and those of nothing but brackets and commas most. */
const MAX_VALUE_LENGTH = 128 * 1024 * 1024
const MAX_VALUE_MARKS = 8_000_000
/** So much of a file decides what it is. */
const HEAD_LENGTH = 65_536

/**
 * The conversations of a file, one at a time: the elements of a JSON array, the lines of JSONL, one JSON object, what
 * stands under `conversations` in one, or one list of messages. The beginning of the file decides which. A line that
 * is no JSON becomes an error record and the next one is read; a JSON array that breaks off throws FileFormatError.
 */
export async function* readRecords(file: SourceFile, onBytes: OnBytes, notes: Notes): AsyncGenerator<FileRecord> {
  const texts = decodeText(countBytes(file.read(), onBytes), notes)[Symbol.asyncIterator]()
  const { head, whole } = await readHead(texts)
  const hasLines = LINE_EXTENSIONS.includes(extname(file.name).toLowerCase())
  if (hasLines || isLine(head)) yield* readLines(whole)
  else if (head.startsWith('[')) yield* readArray(whole)
  else if (head.startsWith('{')) yield* readWhole(whole)
  else if (head !== '') throw new FileFormatError(`neither JSON nor JSONL: it begins with ${JSON.stringify(head[0])}`)
}

async function* countBytes(chunks: AsyncIterable<Uint8Array>, onBytes: OnBytes): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of chunks) {
    yield chunk
    bytes += chunk.length
    onBytes(bytes)
  }
}

/** The beginning of the text, without leading white space, and all of it. */
async function readHead(texts: AsyncIterator<string>): Promise<{ head: string; whole: AsyncIterable<string> }> {
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
  return { head: begun.trimStart(), whole: whole() }
}

/** Whether the text begins with an object that ends with its line, which may be longer than what is seen of it. */
function isLine(head: string): boolean {
  if (!head.startsWith('{')) return false
  const [line = '', ...others] = head.split('\n')
  return others.length === 0 || canParse(line)
}

async function* readLines(texts: AsyncIterable<string>): AsyncGenerator<FileRecord> {
  let number = 0
  for await (const line of splitLines(texts, MAX_VALUE_LENGTH)) {
    number++
    if (line.trim() !== '') yield* parseRecords(`line ${number}`, line)
  }
}

/**
 * With stream-json, the streaming parser that is kept best: 46 MB/s where JSON.parse does 220 and
 * @streamparser/json 35, and counting tokens 12. It holds one element at a time, and keeps keys such as
 * `__proto__` and half surrogate pairs as JSON.parse does.
 */
async function* readArray(texts: AsyncIterable<string>): AsyncGenerator<FileRecord> {
  const read = { length: 0, marks: 0 }
  const measured = Readable.from(measureElement(texts, read))
  const elements: AsyncIterable<{ key: number; value: unknown }> = compose(measured, streamArray.withParserAsStream())
  const messages: unknown[] = []
  let next = 0
  try {
    for await (const { key, value } of elements) {
      const { length } = read
      Object.assign(read, { length: 0, marks: 0 })
      next = key + 1
      // A list of messages is one conversation.
      if (isMessage(value) && messages.length === key) messages.push(value)
      else yield { place: `[${key}]`, length, value }
    }
  } catch (error) {
    if (error instanceof FileFormatError || !(error instanceof Error) || 'syscall' in error) throw error
    throw new FileFormatError(`no JSON from [${next}] on: ${error.message}`, error)
  }
  if (messages.length > 0) yield { place: 'the list', length: 0, value: messages }
}

/** What was read since the last element bounds what the parser holds. */
async function* measureElement(texts: AsyncIterable<string>, read: { length: number; marks: number }) {
  const { count } = createMarkCounter()
  for await (const text of texts) {
    read.length += text.length
    read.marks += count(text)
    checkSize('an element of the list', read.length, read.marks)
    yield text
  }
}

function isMessage(value: unknown): boolean {
  return isObject(value) && value.role !== undefined && value.messages === undefined
}

async function* readWhole(texts: AsyncIterable<string>): AsyncGenerator<FileRecord> {
  const pieces: string[] = []
  let length = 0
  for await (const text of texts) {
    pieces.push(text)
    length += text.length
    checkSize('the object', length, 0)
  }
  yield* parseRecords('the object', pieces.join(''))
}

/** One conversation, or those that stand under `conversations`. */
function* parseRecords(place: string, text: string): Generator<FileRecord> {
  const { length } = text
  let value: unknown
  try {
    checkSize('it', length, createMarkCounter().count(text))
    value = JSON.parse(text)
  } catch (error) {
    const reason = (error as Error).message
    yield { place, length, error: error instanceof FileFormatError ? reason : `no JSON: ${reason}` }
    return
  }
  if (isObject(value) && Array.isArray(value.conversations) && value.messages === undefined) {
    for (const [index, each] of value.conversations.entries()) {
      yield { place: `${place === 'the object' ? '' : `${place}, `}conversations[${index}]`, length: 0, value: each }
    }
  } else yield { place, length, value }
}

function checkSize(what: string, length: number, marks: number): void {
  if (length > MAX_VALUE_LENGTH) {
    throw new FileFormatError(`${what} is longer than ${MAX_VALUE_LENGTH} characters: one conversation a line is read`)
  }
  if (marks > MAX_VALUE_MARKS) {
    throw new FileFormatError(`${what} has more than ${MAX_VALUE_MARKS} commas, colons and brackets`)
  }
}

function canParse(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
