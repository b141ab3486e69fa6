import { gzipSync } from 'node:zlib'
import { answerWith, deltaChunk, finishChunk, type Script, textChunk } from '../support/openai-scripts.ts'
import { type RawCall, startRawModelServer } from '../support/raw-model-server.ts'
import { type Attack, judge, type Outcome, type Target, worstOf } from './attacks.ts'
import { createConversation } from './conversations.ts'
import { JUNK } from './provider-junk.ts'
import { answerEvent, answerMany, forever, sendEvents, toolCall, toolCallPart } from './provider-scripts.ts'
import { type Answer, post, times } from './requests.ts'

const GROUP = 'provider'
const MB = 1_000_000
const WARM_UP = 'warm-up'
const POLL_MS = 100
const ENDED = ['COMPLETED', 'FAILED', 'INTERRUPTED', 'REJECTED']
const DOTS = 'a.'.repeat(50_000)
const DASHES = 'a-'.repeat(50_000)
const START = `mutation($input:SendMessageInput!){startReply(input:$input){
  __typename ... on Error{code detail} ... on StartReplySuccess{reply{id}}}}`
const REPLY = `query($id:ID!){reply(id:$id){status cursor text message{
  finishReason usage{promptTokens completionTokens} parts{__typename}}}}`

/** A provider that is broken or means harm; a reply ends all the same, and its conversation goes on. */
export const PROVIDER_ATTACKS: readonly Attack[] = [
  attack('echoed-dots', echo(DOTS)),
  attack('echoed-dashes', echo(DASHES)),
  ...['__proto__', 'toString', 'constructor'].map((reason) =>
    attack(`finish-reason-${reason}`, answerWith(textChunk('Hello'), finishChunk(reason), '[DONE]')),
  ),
  attack('error-body-without-end', async (call) => {
    await call.write('HTTP/1.1 500 Oops\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n')
    await forever(() => call.write('x'.repeat(65_536)))
  }),
  attack('error-body-of-zeros-packed', async (call) => {
    const packed = gzipSync(Buffer.alloc(64 * MB))
    const headers = 'content-type: text/plain\r\ncontent-encoding: gzip\r\nconnection: close'
    await call.write(`HTTP/1.1 500 Oops\r\n${headers}\r\n\r\n`)
    await forever(() => call.write(packed))
  }),
  redirect(307),
  redirect(302),
  attack('tool-calls-60000', (call) => answerMany(call, 60_000, toolCall)),
  attack('tool-calls-without-names', async (call) => {
    await call.startStream()
    let index = 0
    await forever(() =>
      sendEvents(
        call,
        times(1_000, () => toolCallPart(index++, { id: 'x', function: { arguments: '' } })),
      ),
    )
  }),
  attack('arguments-without-end', async (call) => {
    await call.startStream()
    await call.event(toolCall(0))
    await forever(() => call.event(toolCallPart(0, { function: { arguments: 'x'.repeat(100_000) } })))
  }),
  event('event-of-brackets', () => `{"choices":${'['.repeat(7.5 * MB)}${']'.repeat(7.5 * MB)}}`),
  event('event-of-keys', () => `{${times(MB, (index) => `"k${index}":0`).join(',')},"choices":[]}`),
  event('event-of-choices', () => JSON.stringify({ choices: times(MB, () => ({ index: 0 })) })),
  event('event-of-tool-calls', () =>
    JSON.stringify(deltaChunk({ tool_calls: times(300_000, (index) => ({ index, id: `c${index}`, function: {} })) })),
  ),
  event('event-of-an-error', () => JSON.stringify({ error: { message: 'x'.repeat(15 * MB), code: 'oops' } })),
  attack('letters-of-4-mb', (call) => answerMany(call, 4 * MB, () => textChunk('x'))),
  attack(
    'usage-of-3-billion',
    answerWith(
      textChunk('Hello'),
      finishChunk('stop'),
      { choices: [], usage: { prompt_tokens: 3_000_000_000, completion_tokens: 1 } },
      '[DONE]',
    ),
  ),
  attack('parts-12000', (call) =>
    answerMany(call, 12_000, (index) => (index % 2 === 0 ? textChunk('text') : toolCall((index - 1) / 2))),
  ),
  ...JUNK.map(([name, script]) => attack(name, script)),
]

function attack(name: string, provider: Script): Attack {
  return {
    name,
    group: GROUP,
    provider: (call) =>
      isWarmUp(call) ? answerWith(textChunk('warm'), finishChunk('stop'), '[DONE]')(call) : provider(call),
    env: { MODEL_FIRST_TOKEN_TIMEOUT_MS: '15000', MODEL_IDLE_TIMEOUT_MS: '10000', REPLY_TIMEOUT_MS: '20000' },
    async prepare(target) {
      const conversationId = await createConversation(target)
      await untilEnded(target.origin, await start(target.origin, await createConversation(target), WARM_UP))
      return () => replyAndGoOn(target, conversationId)
    },
  }
}

function event(name: string, textOf: () => string): Attack {
  return attack(name, answerEvent(textOf))
}

/** Sends the prompt on to somebody else, who must not be asked. */
function redirect(status: number): Attack {
  const stranger = { calls: 0 }
  const base = attack(`redirect-${status}`, async (call) => {
    const server = await startRawModelServer(async (strange) => {
      stranger.calls += 1
      await answerWith(textChunk('a stranger'), finishChunk('stop'), '[DONE]')(strange)
    })
    void call.closed.then(() => setTimeout(() => void server.close(), 5_000).unref())
    await call.respond(status, '', { location: `${server.url}/chat/completions` })
  })
  return {
    ...base,
    async prepare(target) {
      const run = await base.prepare(target)
      return async () => {
        const outcome = await run()
        const text = `${outcome.text}, the stranger was asked ${stranger.calls} times`
        return { text, isGood: outcome.isGood && stranger.calls === 0 && !outcome.text.includes('COMPLETED') }
      }
    },
  }
}

function echo(value: string): Script {
  return (call) => {
    const body = JSON.stringify({ detail: [{ loc: ['body', 'temperature'], msg: 'not a number', input: value }] })
    return call.respond(422, body, { 'content-type': 'application/json' })
  }
}

/** The first reply loads what every reply needs. */
function isWarmUp({ body }: RawCall): boolean {
  return JSON.stringify(body).includes(WARM_UP)
}

/** A reply ends, can be read, can be followed from where it is, and the conversation takes the next question. */
async function replyAndGoOn({ origin }: Target, conversationId: string): Promise<Outcome> {
  const id = await start(origin, conversationId, 'hi')
  const read = await untilEnded(origin, id)
  const status = ENDED.find((word) => read.text.includes(word)) ?? 'not readable'
  const next = await startReply(origin, conversationId, 'and now')
  const followed = await followTwice(origin, id)
  const { text, isGood } = worstOf([judge(read), followed, judge(next)])
  return { text: `${status}; ${text}`, isGood }
}

async function start(origin: string, conversationId: string, content: string): Promise<string> {
  const { text } = await startReply(origin, conversationId, content)
  const id = /"reply":\{"id":"(\w+)"/.exec(text)?.[1]
  if (id === undefined) throw new Error(`No reply began: ${text}`)
  return id
}

function startReply(origin: string, conversationId: string, content: string): Promise<Answer> {
  return post(origin, { query: START, variables: { input: { conversationId, clientMessageId: content, content } } })
}

async function untilEnded(origin: string, id: string): Promise<Answer> {
  for (;;) {
    const read = await post(origin, { query: REPLY, variables: { id } })
    if (
      read.status !== 200 ||
      read.text.includes('"errors"') ||
      ENDED.some((status) => read.text.includes(`"status":"${status}"`))
    )
      return read
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** From the beginning, and from where one may be when the connection breaks just before the end. */
async function followTwice(origin: string, id: string): Promise<Outcome> {
  const first = await follow(origin, id, null)
  const cursors = [...first.text.matchAll(/"cursor":"([^"]+)"/g)].map(([, cursor = '']) => cursor)
  const again = await follow(origin, id, cursors.at(-2) ?? null)
  const outcomes = [first, again].map((answer) => judge(answer, { codes: [] }))
  return worstOf(outcomes.map(({ text, isGood }) => ({ text: `followed: ${text}`, isGood })))
}

function follow(origin: string, id: string, after: string | null): Promise<Answer> {
  const query = 'subscription($id:ID!,$after:String){reply(id:$id,after:$after){__typename cursor}}'
  return post(origin, { query, variables: { id, after } }, { accept: 'text/event-stream' })
}
