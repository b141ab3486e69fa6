const MAX_CAUSES = 8
/** Longer messages have what was sent in them. */
const MAX_LOGGED_CHARACTERS = 2_000

/**
 * An error as the log has it, with its causes, without what must not be there: the message of a JSON SyntaxError,
 * which quotes the text that it could not parse, and user names and passwords of URLs.
 */
export function logError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' ? '[object]' : withoutAccess(String(error))
  const { name, stack = '', cause } = error
  const isQuoting = error instanceof SyntaxError
  const message = isQuoting ? 'The text could not be parsed.' : withoutAccess(error.message)
  const code =
    'code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? error.code : undefined
  const more = [cause, ...(error instanceof AggregateError ? error.errors : [])].filter((each) => each !== undefined)
  return {
    type: name,
    message,
    ...(code !== undefined && { code }),
    ...(depth === 0 && { stack: framesOf(stack) }),
    ...(more[0] !== undefined && depth < MAX_CAUSES && { cause: logError(more[0], depth + 1) }),
  }
}

/** Without the first lines, which repeat the message. */
function framesOf(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .join('\n')
}

/** A URL alone, as it may be shown. What no parser takes can hold any sign in its password: it ends with the last at sign. */
export function urlWithoutAccess(url: string): string {
  const [, protocol = '', rest = ''] = /^(\w[\w+.-]*:\/\/)?(.*)$/s.exec(url) ?? []
  const [address = ''] = rest.slice(rest.lastIndexOf('@') + 1).split(/[?#]/, 1)
  return protocol + address
}

/** The beginning of a text in which URLs may stand: their access is between the slashes and an at sign, or in the query. */
export function withoutAccess(text: string): string {
  const begin = text.length > MAX_LOGGED_CHARACTERS ? `${text.slice(0, MAX_LOGGED_CHARACTERS).toWellFormed()}…` : text
  return begin.replace(/\/\/[^/\s]*@/g, '//').replace(/(\/\/[^\s?]*)\?\S*/g, '$1')
}
