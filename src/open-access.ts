import { type Access, createAccess } from './access/access.ts'
import { createServiceKeys } from './access/service-keys.ts'
import type { AccessSettings } from './access/settings.ts'
import type { TokenKeys, Tokens } from './access/tokens.ts'
import { createFaultLog } from './fault-log.ts'
import type { Log } from './log.ts'
import { urlWithoutAccess } from './log-error.ts'
import { isLoopback } from './loopback.ts'

/** The access that is configured; what verifies tokens is loaded only where there are any. */
export async function openAccess(settings: AccessSettings, log: Log): Promise<Access> {
  const { serviceKeys } = settings
  return createAccess({
    tokens: await openTokens(settings, log),
    serviceKeys: serviceKeys.length === 0 ? undefined : createServiceKeys(serviceKeys),
    log,
    now: Date.now,
  })
}

async function openTokens(settings: AccessSettings, log: Log): Promise<Tokens | undefined> {
  const { jwksUrl, jwtSecret } = settings
  if (jwksUrl === undefined && jwtSecret === undefined) return undefined
  const { createTokens } = await import('./access/tokens.ts')
  const keys: TokenKeys =
    jwtSecret === undefined ? { publicKeys: await openKeySet(jwksUrl ?? '', log) } : { secret: jwtSecret }
  return createTokens(keys, settings, Date.now)
}

async function openKeySet(url: string, log: Log) {
  const { createKeySet } = await import('./access/key-set.ts')
  const { protocol, hostname } = new URL(url)
  if (protocol === 'http:' && !isLoopback(hostname)) {
    log.warn({ setting: 'AUTH_JWKS_URL' }, 'the keys of tokens are not read by https: who is between can make tokens')
  }
  const lines = {
    begins: 'the keys of tokens cannot be read: those read last serve, and other tokens have to wait',
    ends: 'the keys of tokens are read again',
    fields: { setting: 'AUTH_JWKS_URL', url: urlWithoutAccess(url) },
  }
  return createKeySet({ url, now: Date.now, ...createFaultLog(log, lines) })
}
