import { open } from 'node:fs/promises'
import { extname } from 'node:path'
import { compose, Readable } from 'node:stream'
import { streamArray } from 'stream-json/streamers/stream-array.js'
import { isObject } from './json-fields.ts'
import { FileFormatError, readText, splitLines } from './read-text.ts'

/** The JSON of one conversation in a file, or the error at that place, for people. */
export type FileRecord = { place: string; value: unknown } | { place: string; error: string }

/** Called with the number of bytes read so far. */
type OnBytes = (bytes: number) => void

const LINE_EXTENSIONS = ['.jsonl', '.ndjson']
/** Strings of V8 end at 512 M characters, and parsed values take a few times the text. */
const MAX_VALUE_LENGTH = 256 * 1024 * 1024
/** So much of a file decides what it is. */
const HEAD_BYTES = 65_536

/**
 * The conversations of a file, one at a time: the elements of a JSON array, the lines of JSONL, one JSON
 * object, or one list of messages. The beginning of the file decides which. A line that is no
 * JSON becomes an error record and the next one is read; a JSON array that breaks off throws FileFormatError.
 */
export async function* readRecords(path: string, onBytes: OnBytes): AsyncGenerator<FileRecord> {
  const hasLines = LINE_EXTENSIONS.includes(extname(path).toLowerCase())
  const head = await readHead(path)
  if (hasLines || isLine(head)) yield* readLines(path, onBytes)
  else if (head.startsWith('[')) yield* readArray(path, onBytes)
  else if (head.startsWith('{')) yield* readWhole(path, onBytes)
  else if (head !== '') throw new FileFormatError(`neither JSON nor JSONL: it begins with ${JSON.stringify(head[0])}`)
}

/** The beginning of the text, without leading white space. */
async function readHead(path: string): Promise<string> {
  await using file = await open(path)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES))
  return new TextDecoder().decode(buffer.subarray(0, bytesRead)).trimStart()
}

/** Whether the text begins with an object that ends with its line, which may be longer than what is seen of it. */
function isLine(head: string): boolean {
  if (!head.startsWith('{')) return false
  const [line, ...others] = head.split('\n')
  return others.length === 0 || 'value' in parseRecord('line 1', line ?? '')
}

async function* readLines(path: string, onBytes: OnBytes): AsyncGenerator<FileRecord> {
  let number = 0
  for await (const line of splitLines(readText(path, onBytes), MAX_VALUE_LENGTH)) {
    number++
    if (line.trim() !== '') yield parseRecord(`line ${number}`, line)
  }
}

/**
 * With stream-json, the streaming parser that is kept best: 46 MB/s where JSON.parse does 220 and
 * @streamparser/json 35, and counting tokens 12. It holds one element at a time, and keeps keys such as
 * `__proto__` and half surrogate pairs as JSON.parse does.
 */
async function* readArray(path: string, onBytes: OnBytes): AsyncGenerator<FileRecord> {
  const texts = Readable.from(readText(path, onBytes))
  const elements: AsyncIterable<{ key: number; value: unknown }> = compose(texts, streamArray.withParserAsStream())
  const messages: unknown[] = []
  let next = 0
  try {
    for await (const { key, value } of elements) {
      next = key + 1
      // A list of messages is one conversation.
      if (isMessage(value) && messages.length === key) messages.push(value)
      else yield { place: `[${key}]`, value }
    }
  } catch (error) {
    if (error instanceof FileFormatError || !(error instanceof Error) || 'syscall' in error) throw error
    throw new FileFormatError(`no JSON from [${next}] on: ${error.message}`, error)
  }
  if (messages.length > 0) yield { place: 'the list', value: messages }
}

function isMessage(value: unknown): boolean {
  return isObject(value) && value.role !== undefined && value.messages === undefined
}

async function* readWhole(path: string, onBytes: OnBytes): AsyncGenerator<FileRecord> {
  let whole = ''
  for await (const text of readText(path, onBytes)) {
    whole += text
    if (whole.length > MAX_VALUE_LENGTH) {
      throw new FileFormatError(
        `one value of over ${MAX_VALUE_LENGTH} characters: write one conversation a line (JSONL)`,
      )
    }
  }
  yield parseRecord('the object', whole)
}

function parseRecord(place: string, text: string): FileRecord {
  try {
    return { place, value: JSON.parse(text) }
  } catch (error) {
    return { place, error: `no JSON: ${(error as Error).message}` }
  }
}
