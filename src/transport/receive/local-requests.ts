import type { IncomingMessage } from 'node:http'
import { isLoopback } from '../../loopback.ts'
import type { Refusal } from './early-answers.ts'

const AUTHORITY = /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d{0,5})?$/i
/** A target with scheme and host (RFC 9112, 3.2.2), as clients of proxies send it. */
const ABSOLUTE_TARGET = /^https?:\/\/([^/?#]*)/i
const MAX_SHOWN_CHARS = 64

/**
 * Why a request is refused while there is no authentication; undefined for those of this machine. The loopback
 * address alone keeps nobody out: the name of any web page can be changed to lead here, and is then in `Host` and
 * `Origin`. What cannot be understood is refused, too.
 */
export function refusalOfForeign(request: IncomingMessage): Refusal | undefined {
  const [, authority] = ABSOLUTE_TARGET.exec(request.url ?? '') ?? []
  const hosts = [request.headers.host, ...(authority === undefined ? [] : [authority])]
  for (const host of hosts) {
    const refusal = refusalOfHost(host)
    if (refusal !== undefined) return refusal
  }
  return isOfOwnPage(request) ? undefined : refusalOfOrigin(request)
}

/** The path and the query of a request's target, whatever its form. */
export function originForm(url = '/'): string {
  const [prefix = ''] = ABSOLUTE_TARGET.exec(url) ?? []
  const rest = url.slice(prefix.length)
  return rest.startsWith('/') || prefix === '' ? rest : `/${rest}`
}

function refusalOfHost(host = ''): Refusal | undefined {
  const hostname = AUTHORITY.test(host) ? URL.parse(`http://${host}`)?.hostname : undefined
  if (hostname === undefined) {
    return { status: 400, code: 'BAD_REQUEST', message: `Host must be one name or address; got ${shown(host)}.` }
  }
  if (isLoopback(hostname.replace(/^\[|\]$/g, '')) || hostname.endsWith('.localhost')) return undefined
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
  const message = `Origin must be that of ${shown(host ?? '')}, or there must be none; ${given}.`
  return { status: 403, code: 'FORBIDDEN', message }
}

function shown(text: string): string {
  return JSON.stringify(text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text)
}
