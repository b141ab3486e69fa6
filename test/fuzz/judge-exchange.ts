import type { Exchange } from './send-step.ts'

/** What graphql-transport-ws closes a socket with for what a client did, and the protocol below it. */
const CLIENT_FAULT_CODES = new Set([1002, 1003, 1007, 1009, 4400, 4401, 4408, 4409, 4429])
const SHOWN_CHARS = 300

/** What is wrong with an answer; undefined when nothing is. */
export function judgeExchange(exchange: Exchange): string | undefined {
  const { status, received, contentType, closeCode, hasLeft, isHanging } = exchange
  const shown = received.slice(0, SHOWN_CHARS)
  if (isHanging) return 'no end within half a minute'
  if (status >= 500) return `status ${status}: ${shown}`
  if (status === 0 && !hasLeft) return 'no answer, or one that was cut'
  if (received.includes('"INTERNAL_SERVER_ERROR"')) return `an internal error: ${aroundOf(received)}`
  if (/node_modules\/|\n\s+at \S+ \(/.test(received) && !contentType.startsWith('text/html')) return `a stack: ${shown}`
  if (closeCode !== undefined && !CLIENT_FAULT_CODES.has(closeCode)) return `the socket was closed with ${closeCode}`
  if (isJson(contentType) && !hasLeft && received !== '' && !parses(received))
    return `an answer that is no JSON: ${shown}`
  return undefined
}

/** What is wrong with lines of a log that must hold none of what people said. */
export function judgeLog(lines: readonly string[], mark: string): string | undefined {
  for (const line of lines) {
    if (line.includes(mark)) return `the log holds what was said: ${aroundOf(line, mark)}`
    if (!parses(line)) return `a line of the log is no JSON: ${line.slice(0, SHOWN_CHARS)}`
  }
  return undefined
}

function isJson(contentType: string): boolean {
  return /^application\/(\S+\+)?json/.test(contentType)
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function aroundOf(text: string, word = 'INTERNAL_SERVER_ERROR'): string {
  const at = text.indexOf(word)
  return text.slice(Math.max(0, at - SHOWN_CHARS), at + SHOWN_CHARS)
}
