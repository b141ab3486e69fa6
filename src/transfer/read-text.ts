import { createReadStream } from 'node:fs'

/** A file that cannot be read as what it should be; says where. */
export class FileFormatError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'FileFormatError'
  }
}

/**
 * The text of a file in pieces, without a byte order mark; `onBytes` is told how many bytes have been read
 * so far. Throws FileFormatError for what is no UTF-8: reading on would put other text in its place.
 */
export async function* readText(path: string, onBytes: (bytes: number) => void = () => {}): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let bytes = 0
  const decode = (chunk?: Buffer) => {
    try {
      return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true })
    } catch (error) {
      throw new FileFormatError(`not UTF-8 after ${bytes} bytes`, error)
    }
  }
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    yield decode(chunk)
    bytes += chunk.length
    onBytes(bytes)
  }
  yield decode()
}

/**
 * The lines of a text, without their ends. By hand: Node's readline also ends lines at U+2028 and U+2029,
 * which JSON may hold as they are. Throws FileFormatError for a line over `maxLength` characters.
 */
export async function* splitLines(texts: AsyncIterable<string>, maxLength: number): AsyncGenerator<string> {
  let rest = ''
  let line = 1
  for await (const text of texts) {
    const [first = '', ...others] = text.split('\n')
    rest += first
    if (rest.length > maxLength) throw new FileFormatError(`line ${line} is longer than ${maxLength} characters`)
    for (const other of others) {
      yield rest
      rest = other
      line++
    }
  }
  if (rest !== '') yield rest
}
