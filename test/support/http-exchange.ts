import { type IncomingHttpHeaders, request } from 'node:http'

/** What is sent; the length of the body goes with it unless it is sent in chunks. */
export interface Sent {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string | Buffer | string[]
}

/** What came back. */
export interface Received {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: string
}

/** Sends a request just as it is told, without a header that was not asked for. */
export function exchange(origin: string, { method = 'POST', path = '/graphql', headers = {}, body = '' }: Sent) {
  return new Promise<Received>((resolve, reject) => {
    const length = Array.isArray(body) || body.length === 0 ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const sending = request(`${origin}${path}`, { method, headers: { ...length, ...headers } }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks).toString() })
      })
    })
    sending.on('error', reject)
    for (const chunk of Array.isArray(body) ? body : [body]) if (chunk.length > 0) sending.write(chunk)
    sending.end()
  })
}
