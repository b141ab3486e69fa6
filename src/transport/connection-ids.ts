import type { Duplex } from 'node:stream'

/** A name for each connection, unlike that of every other open one; '' where there is none, as in a test. */
export type ConnectionIds = (connection: Duplex | undefined) => string

/**
 * Names connections, so that the work of one can take turns with that of others. Behind a proxy one connection may carry
 * requests of several clients: they share its turns then.
 */
export function createConnectionIds(): ConnectionIds {
  const ids = new WeakMap<Duplex, string>()
  let made = 0

  return (connection) => {
    if (connection === undefined) return ''
    const id = ids.get(connection) ?? String(++made)
    ids.set(connection, id)
    return id
  }
}
