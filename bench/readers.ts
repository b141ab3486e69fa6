import { setTimeout as delay } from 'node:timers/promises'
import { bodyPieces, type CaseAnswer, type CaseExpectation, readStreamCases } from '../test/support/stream-case.ts'
import type { AnswerPeer, ReadOutcome } from './support/answer-peer.ts'
import { openaiChunksReader, openaiReader, ownReader } from './support/answer-readers.ts'
import { compare } from './support/compare.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { installedAnswerPeer } from './support/installed-peer.ts'

const CASES = new URL('../test/chat/model/cases/', import.meta.url)
const EVENTS = 2_000
/** About what a packet holds. */
const EVENTS_PER_PIECE = 8
const PATIENCE_MS = 2_000

/** Who reads what servers really send, and what an event costs each reader. */
export async function measureReaders({ options, note }: Grounds): Promise<Finding[]> {
  const aiSdk = await installedAnswerPeer('ai-sdk.ts')
  const readers = [openaiChunksReader, openaiReader, aiSdk, ownReader]
  const cases = readableCases()
  for (const reader of readers) {
    const passed = await Promise.all(cases.map((one) => isRight(reader, one)))
    note(`${reader.name}: ${passed.filter(Boolean).length} of ${cases.length} cases are read as they should be`)
  }
  const answer = longAnswer()
  const contender = (reader: AnswerPeer) => ({ name: reader.name, run: () => reader.read(responseOf(answer)) })
  const findings: Finding[] = []
  for (const peer of [openaiChunksReader, openaiReader, aiSdk]) {
    const what = `${EVENTS.toLocaleString('en')} events of text, ${peer.name}`
    findings.push(await compare(what, [contender(peer), contender(ownReader)], options, 'RATIO'))
  }
  return findings
}

interface ReadableCase {
  id: string
  answer: CaseAnswer
  expect: CaseExpectation
}

/** What reading alone decides: one answer and its outcome; of several, that the first one is none. */
function readableCases(): ReadableCase[] {
  const plain = readStreamCases(CASES).filter(
    ({ kind, steps, refuses }) => !steps && !refuses && kind !== 'signs-of-life',
  )
  return plain.flatMap(({ id, upstream, expect = {} }) => {
    const [answer] = [upstream].flat()
    if (answer === undefined || answer.hang) return []
    return [{ id, answer, expect: Array.isArray(upstream) ? { end: 'Failed' as const } : expect }]
  })
}

async function isRight(reader: AnswerPeer, { answer, expect }: ReadableCase): Promise<boolean> {
  // Some never end on some answers.
  const patience = delay(PATIENCE_MS, undefined, { ref: false })
  const outcome = await Promise.race([reader.read(responseOf(answer)).catch(() => 'FAILED' as const), patience])
  if (outcome === undefined) return false
  const isFailed = outcome === 'FAILED' || !outcome.finishReason || wordOf(outcome.finishReason) === 'error'
  if (expect.end === 'Failed' || isFailed) return (expect.end === 'Failed') === isFailed
  return fits(outcome, expect)
}

function fits(outcome: ReadOutcome, { content, reasoning, calls, finishReason, usage = {} }: CaseExpectation): boolean {
  const callsFit = calls === undefined || (calls.length === outcome.calls.length && outcome.calls.every(callFits))
  const numbers = { ...outcome.usage } as Record<string, unknown>
  return (
    (content === undefined || content === outcome.content) &&
    (reasoning === undefined || reasoning === outcome.reasoning) &&
    (finishReason === undefined || wordOf(finishReason) === wordOf(outcome.finishReason ?? '')) &&
    callsFit &&
    ['promptTokens', 'completionTokens'].every((name) => usage[name] === undefined || usage[name] === numbers[name])
  )

  function callFits(call: object, index: number): boolean {
    const given = call as Record<string, unknown>
    return Object.entries(calls?.[index] ?? {}).every(([field, value]) => given[field] === value)
  }
}

/** `tool-calls`, `tool_calls` and TOOL_CALLS are one word. */
function wordOf(reason: string): string {
  return reason.toLowerCase().replaceAll('-', '_')
}

function responseOf(answer: CaseAnswer): Response {
  const pieces = bodyPieces(answer).map(({ bytes }) => bytes)
  let index = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces[index]
      index += 1
      if (piece !== undefined && piece.length > 0) controller.enqueue(piece)
      else if (index <= pieces.length) controller.enqueue(Buffer.from('\n').subarray(1))
      else if (answer.cut) controller.error(new Error('The connection was cut.'))
      else controller.close()
    },
  })
  const isJson = answer.body !== undefined && /^\s*[[{]/.test(answer.body)
  const headers = { 'content-type': isJson ? 'application/json' : 'text/event-stream', ...answer.headers }
  return new Response(body, { status: answer.status ?? 200, headers })
}

function longAnswer(): CaseAnswer {
  const event = (delta: object, reason: string | null) =>
    `data: ${JSON.stringify({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta, finish_reason: reason }],
    })}\n\n`
  const begin = event({ role: 'assistant', content: '' }, null)
  const piece = event({ content: ' word' }, null).repeat(EVENTS_PER_PIECE)
  const chunks = Array.from({ length: EVENTS / EVENTS_PER_PIECE }, () => piece)
  return { chunks: [begin, ...chunks, event({}, 'stop'), 'data: [DONE]\n\n'] }
}
