import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Worker } from 'node:worker_threads'
import type { Turns } from './bounds/turns.ts'
import { GRAPHIQL } from './graphiql.ts'
import type { PageForms } from './graphiql-worker.ts'

/** GraphiQL for browsers. */
export interface GraphiqlPage {
  /** Resolves to false, with nothing done, when the request is for no page. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<boolean>
}

const ENCODINGS = ['br', 'gzip'] as const
const PIECE_BYTES = 65_536
const PAGE_HEADERS = {
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}
/**
 * What the page is made of and nothing else: its own scripts, and workers that they make. In a frame of another page
 * one click could send what that page has put into the editor. The editor writes styles as it goes.
 */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; worker-src blob:; connect-src 'self'; " +
  "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** Made for the first visitor, off the event loop, and shared by all. */
export function createGraphiqlPage(turns: Turns): GraphiqlPage {
  let forms: Promise<PageForms> | undefined
  return { answer }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { method, headers } = request
    if (method !== 'GET' || headers.accept?.includes('text/html') !== true) return false
    forms ??= make().catch((error: unknown) => {
      forms = undefined
      throw error
    })
    const made = await forms
    const encoding = ENCODINGS.find((one) => takes(headers['accept-encoding'], one)) ?? 'identity'
    const etag = `"${made.hash}-${encoding}"`
    const policy = `${POLICY}; script-src ${made.scripts.join(' ')}`
    const own = { 'content-security-policy': policy, etag, vary: 'Accept, Accept-Encoding' }
    const head = { ...PAGE_HEADERS, ...own, 'cache-control': 'no-cache' }
    if (headers['if-none-match']?.includes(etag)) response.writeHead(304, head).end()
    else {
      const encoded = encoding === 'identity' ? {} : { 'content-encoding': encoding }
      await write(response, made[encoding], { ...head, ...encoded }, turns)
    }
    return true
  }
}

async function make(): Promise<PageForms> {
  // A thread that inherited the flags of a script given by --eval would refuse to load its file.
  const worker = new Worker(new URL('./graphiql-worker.ts', import.meta.url), { workerData: GRAPHIQL, execArgv: [] })
  const [forms] = (await once(worker, 'message')) as [PageForms]
  return forms
}

/** Weights say only what is refused: of what a browser takes the smallest is best. */
function takes(accepted: string | undefined, encoding: string): boolean {
  const ranges = accepted?.toLowerCase().split(',') ?? []
  return ranges.some((range) => {
    const [name, weight = ''] = range.split(';').map((part) => part.trim())
    return name === encoding && !/^q=0(\.0*)?$/.test(weight)
  })
}

/** In pieces, each when the one before has left: all that waits for a slow visitor is one of them. */
async function write(
  response: ServerResponse,
  page: Uint8Array,
  headers: Record<string, string>,
  turns: Turns,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': page.length, ...headers })
  const pieces = Readable.from(piecesOf(page, turns), { objectMode: false })
  // A visitor who leaves is no fault.
  await pipeline(pieces, response).catch(() => response.destroy())
}

async function* piecesOf(page: Uint8Array, turns: Turns): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < page.length; at += PIECE_BYTES) {
    await turns.next()
    yield page.subarray(at, at + PIECE_BYTES)
  }
}
