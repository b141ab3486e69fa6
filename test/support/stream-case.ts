import { readdirSync, readFileSync } from 'node:fs'

/** What a model's server answers, byte for byte. */
export interface CaseAnswer {
  status?: number
  headers?: Record<string, string>
  /** Each is `data: `, itself and a blank line. */
  events?: unknown[]
  /** Each is a piece of the body; one with `times` is written so often, each after a wait. */
  chunks?: (string | { text: string; times: number; afterMs?: number } | { base64: string })[]
  body?: string
  /** The connection is cut behind the body. */
  cut?: boolean
  /** It stays open and silent. */
  hang?: boolean
}

/** How one reply is to end. A field that is absent may be anything. */
export interface CaseExpectation {
  end?: 'Completed' | 'Failed' | 'Interrupted'
  content?: string
  finishReason?: string
  calls?: Record<string, unknown>[]
  reasoning?: string
  usage?: Record<string, unknown>
  /** Texts that the data parts hold; there are none where this is absent. */
  unknown?: string[]
  code?: string | string[]
  retryable?: boolean
  detail?: string[]
  partial?: string
  requests?: number | [number, number]
  withinMs?: [number, number]
}

/** What the last request that the server took is to hold. */
export interface CaseQuestion {
  roles?: string[]
  at?: number
  has?: unknown
  content?: string
  contains?: string[]
  includes?: string[]
  excludes?: string[]
  pairs?: boolean
}

/** One thing that happens in a case's conversation. */
export interface CaseStep {
  send?: Record<string, unknown>
  stopped?: Record<string, unknown>
  append?: Record<string, unknown>[]
  results?: string[]
  redact?: number
  restart?: boolean
  expect?: CaseExpectation
  asked?: CaseQuestion[]
  history?: { count?: number; at?: number; role?: string; content?: string; calls?: string[]; signed?: string }[]
}

/** What a server refuses before it answers: see `refusal-rules.ts`. */
export interface CaseRefusal {
  rule: string
  status: number
  body: string
}

/** A case from outside: what a server sends, and the outcome that a user would want. */
export interface StreamCase extends CaseStep {
  id: string
  title: string
  kind: string
  env?: Record<string, string>
  create?: Record<string, unknown>
  fresh?: boolean
  refuses?: CaseRefusal[]
  upstream: CaseAnswer | CaseAnswer[]
  steps?: CaseStep[]
}

/** How a body is cut into what the client reads at once. */
export type Cut = 'whole' | 'in pieces' | 'byte by byte'

/** The cases of a folder: a file for each kind of fault. */
export function readStreamCases(folder: URL): StreamCase[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return files.flatMap((name) => {
    const cases: StreamCase[] = JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
    return cases.map((one) => ({ ...one, kind: name.replace('.json', '') }))
  })
}

/** The pieces of a body, each with the wait before it. */
export function bodyPieces({ events, chunks, body }: CaseAnswer): { bytes: Buffer; afterMs: number }[] {
  if (body !== undefined) return [{ bytes: Buffer.from(body), afterMs: 0 }]
  const sent = events?.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`)
  return (sent ?? chunks ?? []).flatMap((chunk) => {
    if (typeof chunk === 'string') return [{ bytes: Buffer.from(chunk), afterMs: 0 }]
    if ('base64' in chunk) return [{ bytes: Buffer.from(chunk.base64, 'base64'), afterMs: 0 }]
    const piece = { bytes: Buffer.from(chunk.text), afterMs: chunk.afterMs ?? 0 }
    return Array.from({ length: chunk.times }, () => piece)
  })
}
