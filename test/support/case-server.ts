import { setTimeout as delay } from 'node:timers/promises'
import { type RawCall, type RawModelServer, startRawModelServer } from './raw-model-server.ts'
import { REFUSAL_RULES, type SentMessage } from './refusal-rules.ts'
import { bodyPieces, type CaseAnswer, type Cut, type StreamCase } from './stream-case.ts'

/** A model's server that plays several cases at once. */
export interface CaseServer {
  url: string
  /** From now on this case is played, its body cut like this, for who asks for its model. */
  play(one: StreamCase, cut: Cut): PlayedCase
  close(): Promise<void>
}

/** One case while it is played. */
export interface PlayedCase {
  /** Its own model. */
  model: string
  /** The model that the case calls by this name: another one, and its own too. */
  modelNamed(name: string): string
  /** Requests so far, refused ones included. */
  readonly requests: number
  /** The messages of the last one that was not refused. */
  readonly taken: readonly SentMessage[]
  /** Resolves when that many requests have come. */
  untilAsked(count: number): Promise<void>
}

/** Starts a server that plays cases, each for who asks for its model, and the newest for all others. */
export async function startCaseServer(): Promise<CaseServer> {
  const played = new Map<string, (call: RawCall) => Promise<void>>()
  const server: RawModelServer = await startRawModelServer(async (call) => {
    const [name = ''] = String(call.body.model).split('/')
    await (played.get(name) ?? [...played.values()].at(-1))?.(call)
  })
  return {
    url: server.url,
    play(one, cut) {
      const model = `case-${played.size}`
      const { seen, answer, untilAsked } = playOne(one, cut)
      played.set(model, answer)
      return {
        model,
        modelNamed: (name) => `${model}/${name}`,
        get requests() {
          return seen.requests
        },
        get taken() {
          return seen.taken
        },
        untilAsked,
      }
    },
    close: server.close,
  }
}

function playOne(one: StreamCase, cut: Cut) {
  const seen: { requests: number; answered: number; taken: readonly SentMessage[] } = {
    requests: 0,
    answered: 0,
    taken: [],
  }
  let onAsked = () => {}

  async function answer(call: RawCall): Promise<void> {
    seen.requests += 1
    onAsked()
    const messages = call.body.messages as SentMessage[]
    const refusal = one.refuses?.find(({ rule }) => REFUSAL_RULES.get(rule)?.(messages))
    if (refusal) return call.respond(refusal.status, refusal.body, { 'content-type': 'application/json' })
    seen.taken = messages
    const answers = [one.upstream].flat()
    const next = answers[seen.answered] ?? answers.at(-1)
    seen.answered += 1
    if (next) await sendAnswer(call, next, cut)
  }

  async function untilAsked(count: number): Promise<void> {
    while (seen.requests < count) {
      await new Promise<void>((resolve) => {
        onAsked = resolve
      })
    }
  }

  return { seen, answer, untilAsked }
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
