import type { IncomingMessage } from 'node:http'
import type { Credentials } from '../../access/access.ts'
import type { Caller } from '../../access/caller.ts'

/** A request whose caller is known. */
export interface Admitted {
  request: IncomingMessage
  caller: Caller
}

const OWNER_HEADER = 'x-backscroll-owner'

/** What the head of a request shows. A header that is there twice names nobody. */
export function credentialsOf({ headers, headersDistinct }: IncomingMessage): Credentials {
  const { authorization, [OWNER_HEADER]: owner } = headers
  if (owner === undefined) return { authorization }
  return { authorization, owner: headersDistinct[OWNER_HEADER]?.length === 1 ? decode(owner) : [] }
}

/** The same, of what a WebSocket is initialised with. */
export function credentialsOfInit(params: Readonly<Record<string, unknown>> | undefined): Credentials {
  return { authorization: params?.authorization, owner: params?.owner }
}

/** Headers are bytes, of which Node makes characters; those of names are UTF-8. What is none is no text. */
function decode(header: string | string[]): string | undefined {
  const bytes = Buffer.from(String(header), 'latin1')
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) ? text : undefined
}
