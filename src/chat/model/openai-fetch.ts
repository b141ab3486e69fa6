import { fieldsOf } from './wire/fields.ts'
import { type ProviderError, readProviderError } from './wire/provider-error.ts'

/** The platform's `fetch`, or one that does more. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** No error is longer, in bytes; what comes behind is not read. */
const MAX_ERROR_BYTES = 64 * 1024

/**
 * `fetch` for OpenAI's SDK, which keeps nothing of an error's body but its `error`: the body of an answer that is an
 * error becomes what was read of it, whatever its form. Redirects are such answers: the prompt goes nowhere else.
 */
export async function fetchWithError(
  input: string | URL | Request,
  init?: RequestInit,
  send: Fetch = fetch,
): Promise<Response> {
  const response = await send(input, { ...init, redirect: 'manual' })
  if (response.ok) return response
  const { status, headers } = response
  const error = readProviderError(parse(await readBeginning(response)), status)
  const kept = new Headers(headers)
  for (const name of ['content-length', 'content-encoding']) kept.delete(name)
  return Response.json({ error }, { status: status < 400 ? 421 : status, headers: kept })
}

/** What `fetchWithError` read of an answer that the SDK threw as an error; undefined for another error. */
export function refusalOf(thrown: unknown): { error: ProviderError; headers?: Headers } | undefined {
  const { error, headers } = fieldsOf(thrown) ?? {}
  const said = fieldsOf(error)
  if (said === undefined || !Array.isArray(said.codes)) return undefined
  return { error: said as unknown as ProviderError, ...(headers instanceof Headers && { headers }) }
}

async function readBeginning({ body }: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let length = 0
  if (body === null) return ''
  for await (const piece of body) {
    pieces.push(piece)
    length += piece.length
    if (length >= MAX_ERROR_BYTES) break
  }
  return new TextDecoder().decode(Buffer.concat(pieces).subarray(0, MAX_ERROR_BYTES))
}

/** A text that is no JSON is what it says. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
