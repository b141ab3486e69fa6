/** Why a caller is not admitted, as an answer says it. */
export interface AccessRefusal {
  status: number
  code: 'UNAUTHENTICATED' | 'AUTHENTICATION_UNAVAILABLE'
  /** At most 120 bytes: it is the reason that a WebSocket is closed with, too. */
  message: string
  headers: Readonly<Record<string, string>>
}

/** While keys cannot be read nobody's token is wrong: a client that logs its user out for that would be. */
const RETRY_AFTER_SECONDS = 5

/** For who shows nothing: RFC 6750, 3, wants no error there. */
export function unproven(message: string): AccessRefusal {
  return refusal(message, 'Bearer realm="backscroll"')
}

/** For who shows what proves nothing. The message is without quotation marks. */
export function unauthenticated(message: string): AccessRefusal {
  const error = 'error="invalid_token"'
  return refusal(message, `Bearer realm="backscroll", ${error}, error_description="${message.replace(/[^ -~]/g, '')}"`)
}

/** For who may be right. */
export const UNAVAILABLE: AccessRefusal = {
  status: 503,
  code: 'AUTHENTICATION_UNAVAILABLE',
  message: 'Tokens cannot be verified right now; try again.',
  headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
}

function refusal(message: string, challenge: string): AccessRefusal {
  return { status: 401, code: 'UNAUTHENTICATED', message, headers: { 'www-authenticate': challenge } }
}
