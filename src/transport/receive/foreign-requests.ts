import type { IncomingMessage, ServerResponse } from 'node:http'
import { isLoopback } from '../../loopback.ts'
import type { Refusal } from './early-answers.ts'

/** Decides which hosts and which pages are answered, over HTTP and WebSocket alike. */
export interface ForeignRequests {
  /** Why a request is refused, by its head alone; undefined where it is not. */
  refusalOf(request: IncomingMessage): Refusal | undefined
  /** Lets a page of another origin that may call read the answer; true when that is all that it asks for. */
  allow(request: IncomingMessage, response: ServerResponse): boolean
}

/** Who may call. */
export interface ForeignLimits {
  /** Else only hosts of this machine are answered. */
  isProven: boolean
  /** Of pages that may call beside the server's own. */
  corsOrigins: readonly string[]
}

const AUTHORITY = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i
/** A target with scheme and host (RFC 9112, 3.2.2), as clients of proxies send it. */
const ABSOLUTE_TARGET = /^https?:\/\/([^/?#]*)/i
const MAX_SHOWN_CHARS = 64
/** Browsers keep what they were allowed for two hours at most. */
const PREFLIGHT_AGE_SECONDS = '7200'

/**
 * Without authentication the loopback address alone keeps nobody out: the name of any web page can be changed to lead
 * here, and is then in `Host` and `Origin`. With it, who knows no token gets nothing by that. What cannot be understood
 * is refused always.
 */
export function createForeignRequests({ isProven, corsOrigins }: ForeignLimits): ForeignRequests {
  const allowed: ReadonlySet<string> = new Set(corsOrigins)

  function refusalOf(request: IncomingMessage): Refusal | undefined {
    const [, authority] = ABSOLUTE_TARGET.exec(request.url ?? '') ?? []
    const hosts = [request.headers.host, ...(authority === undefined ? [] : [authority])]
    for (const host of hosts) {
      const refusal = refusalOfHost(host, isProven)
      if (refusal !== undefined) return refusal
    }
    return isOfOwnPage(request) || isAllowed(request) ? undefined : refusalOfOrigin(request)
  }

  function isAllowed({ headers: { origin } }: IncomingMessage): boolean {
    return origin !== undefined && allowed.has(origin)
  }

  function allow(request: IncomingMessage, response: ServerResponse): boolean {
    const { method, headers } = request
    if (allowed.size === 0) return false
    // Of what caches keep: another page's answer would be without the next line.
    response.setHeader('vary', 'Origin')
    if (headers.origin === undefined || !isAllowed(request)) return false
    response.setHeader('access-control-allow-origin', headers.origin)
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) {
      response.setHeader('access-control-expose-headers', 'www-authenticate, retry-after')
      return false
    }
    response.writeHead(204, {
      'access-control-allow-methods': 'GET, POST',
      'access-control-allow-headers': headers['access-control-request-headers'] ?? 'content-type, authorization',
      'access-control-max-age': PREFLIGHT_AGE_SECONDS,
    })
    response.end()
    return true
  }

  return { refusalOf, allow }
}

/** The path and the query of a request's target, whatever its form. */
export function originForm(url = '/'): string {
  const [prefix = ''] = ABSOLUTE_TARGET.exec(url) ?? []
  const rest = url.slice(prefix.length)
  return rest.startsWith('/') || prefix === '' ? rest : `/${rest}`
}

function refusalOfHost(host = '', isProven: boolean): Refusal | undefined {
  const hostname = AUTHORITY.test(host) ? URL.parse(`http://${host}`)?.hostname : undefined
  if (hostname === undefined) {
    return { status: 400, code: 'BAD_REQUEST', message: `Host must be one name or address; got ${shown(host)}.` }
  }
  if (isProven || isLoopback(hostname.replace(/^\[|\]$/g, '')) || hostname.endsWith('.localhost')) return undefined
  const wanted = 'Host must be localhost or a loopback address, from a proxy too, as there is no authentication'
  return { status: 403, code: 'FORBIDDEN', message: `${wanted}; got ${shown(host)}.` }
}

/** A page's own requests name it as their origin; those that name none say when another site's page made them. */
function isOfOwnPage({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers
  if (origin !== undefined) {
    const [scheme] = /^https?:\/\//.exec(origin) ?? []
    return scheme !== undefined && URL.parse(`${scheme}${host}`)?.origin === origin
  }
  const site = headers['sec-fetch-site']
  return site === undefined || site === 'same-origin' || site === 'none' || headers['sec-fetch-mode'] === 'navigate'
}

function refusalOfOrigin({ headers: { origin, host } }: IncomingMessage): Refusal {
  const given = origin === undefined ? 'the page of another site asks' : `got ${shown(origin)}`
  const message = `Origin must be that of ${shown(host ?? '')} or one of CORS_ORIGINS, or there must be none; ${given}.`
  return { status: 403, code: 'FORBIDDEN', message }
}

function shown(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text)
}
