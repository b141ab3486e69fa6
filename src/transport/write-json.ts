import type { Turns } from './bounds/turns.ts'

/** What is written, and how far. */
interface Frame {
  /** Of an object. */
  keys: readonly string[] | undefined
  values: readonly unknown[]
  at: number
  isEmpty: boolean
}

/** Characters that are written in one turn of the event loop: in about a millisecond. */
const PIECE_LENGTH = 65_536
/** What is written by one call. */
const SMALL_VALUES = 200
const SMALL_LENGTH = 16_384

/**
 * The JSON of a value as `JSON.stringify` writes it, in turns of the event loop, as UTF-8; undefined as soon as it is
 * known to have more than `maxBytes`. Rejects with the signal's reason when that aborts. Own code, as libraries that
 * write JSON in pieces (json-stream-stringify, big-json) take ten times as long, with a stream for each value.
 */
export async function writeJson(
  value: object,
  turns: Turns,
  maxBytes: number,
  signal?: AbortSignal,
): Promise<Buffer | undefined> {
  const pieces: Buffer[] = []
  let bytes = 0
  let text = ''
  const open: Frame[] = []

  function write(written: unknown): void {
    if (isSmall(written)) {
      const json = JSON.stringify(written)
      // Behind other text it would be copied once more.
      if (json.length >= PIECE_LENGTH) flush()
      text += json
      return
    }
    const isList = Array.isArray(written)
    text += isList ? '[' : '{'
    const keys = isList ? undefined : Object.keys(written as object)
    open.push({ keys, values: isList ? written : Object.values(written as object), at: 0, isEmpty: true })
  }

  function writeNext(frame: Frame): void {
    const { keys, values, at, isEmpty } = frame
    const isOver = at === values.length
    if (isOver) {
      text += keys === undefined ? ']' : '}'
      open.pop()
      return
    }
    frame.at += 1
    if (values[at] === undefined && keys !== undefined) return
    if (!isEmpty) text += ','
    frame.isEmpty = false
    if (keys !== undefined) text += `${JSON.stringify(keys[at])}:`
    write(values[at] ?? null)
  }

  function flush(): void {
    if (text === '') return
    const piece = Buffer.from(text)
    pieces.push(piece)
    bytes += piece.length
    text = ''
  }

  write(value)
  for (let frame = open.at(-1); frame !== undefined; frame = open.at(-1)) {
    writeNext(frame)
    if (text.length < PIECE_LENGTH) continue
    flush()
    if (bytes > maxBytes) return undefined
    await turns.next()
    signal?.throwIfAborted()
  }
  flush()
  return bytes > maxBytes ? undefined : Buffer.concat(pieces)
}

/** Whether one call writes it in no time, or it can be written by no more than one. */
function isSmall(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  const left: unknown[] = [value]
  let room = SMALL_VALUES
  let length = SMALL_LENGTH
  while (left.length > 0) {
    const next = left.pop()
    room -= 1
    if (typeof next === 'string') length -= next.length
    if (room < left.length || length < 0) return false
    if (typeof next !== 'object' || next === null) continue
    if (Array.isArray(next) && next.length > room) return false
    for (const item of Object.values(next)) left.push(item)
  }
  return true
}
