import { setTimeout as delay } from 'node:timers/promises'
import { type RawCall, type RawModelServer, startRawModelServer } from './raw-model-server.ts'
import { REFUSAL_RULES, type SentMessage } from './refusal-rules.ts'
import { bodyPieces, type CaseAnswer, type Cut, type StreamCase } from './stream-case.ts'

/** A model's server that plays one case after another. */
export interface CaseServer {
  url: string
  /** From now on this case is played, its body cut like this. */
  play(one: StreamCase, cut: Cut): void
  /** Requests of the case that is played, refused ones included. */
  readonly requests: number
  /** The messages of the last one that was not refused. */
  readonly taken: readonly SentMessage[]
  /** Resolves when that many requests have come. */
  untilAsked(count: number): Promise<void>
  close(): Promise<void>
}

/** Starts a server that plays cases. */
export async function startCaseServer(): Promise<CaseServer> {
  let played: StreamCase | undefined
  let cut: Cut = 'whole'
  let requests = 0
  let answered = 0
  let taken: readonly SentMessage[] = []
  let onAsked = () => {}
  const server: RawModelServer = await startRawModelServer(answer)

  async function answer(call: RawCall): Promise<void> {
    requests += 1
    onAsked()
    const messages = call.body.messages as SentMessage[]
    const refusal = played?.refuses?.find(({ rule }) => REFUSAL_RULES.get(rule)?.(messages))
    if (refusal) return call.respond(refusal.status, refusal.body, { 'content-type': 'application/json' })
    taken = messages
    const answers = [played?.upstream ?? []].flat()
    const next = answers[answered] ?? answers.at(-1)
    answered += 1
    if (next) await sendAnswer(call, next, cut)
  }

  async function untilAsked(count: number): Promise<void> {
    while (requests < count) {
      await new Promise<void>((resolve) => {
        onAsked = resolve
      })
    }
  }

  return {
    url: server.url,
    play(one, how) {
      played = one
      cut = how
      requests = 0
      answered = 0
      taken = []
    },
    get requests() {
      return requests
    },
    get taken() {
      return taken
    },
    untilAsked,
    close: server.close,
  }
}

async function sendAnswer(call: RawCall, answer: CaseAnswer, cut: Cut): Promise<void> {
  const pieces = bodyPieces(answer)
  const begin = pieces[0]?.bytes.toString().trimStart() ?? ''
  const type = /^[[{]/.test(begin) && answer.body !== undefined ? 'application/json' : 'text/event-stream'
  const headers = { 'content-type': type, connection: 'close', 'transfer-encoding': 'chunked', ...answer.headers }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  await call.write(`HTTP/1.1 ${answer.status ?? 200} Status\r\n${lines.join('')}\r\n`)
  const isTimed = pieces.some(({ afterMs }) => afterMs > 0)
  const joined = [{ bytes: Buffer.concat(pieces.map(({ bytes }) => bytes)), afterMs: 0 }]
  for (const { bytes, afterMs } of cut === 'whole' && !isTimed ? joined : pieces) {
    if (afterMs > 0) await delay(afterMs)
    if (bytes.length === 0) continue
    // Each chunk of the encoding reaches the client by itself, however many a packet holds.
    if (cut === 'byte by byte')
      await call.write(Buffer.concat([...bytes].map((byte) => Buffer.of(49, 13, 10, byte, 13, 10))))
    else await call.chunk(bytes)
  }
  if (answer.cut) call.cut()
  else if (!answer.hang) await call.endChunks()
}
