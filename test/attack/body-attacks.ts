import { type Attack, judge, type Outcome, postAttack, worstOf } from './attacks.ts'
import { createConversation, message } from './conversations.ts'
import { exchangeRaw, JSON_HEADERS, post, requestText, times, wordsOf } from './requests.ts'

const GROUP = 'bodies'
const MB = 1_000_000
const HOST = 'Host: 127.0.0.1'
const START = `mutation($input:SendMessageInput!){startReply(input:$input){
  __typename ... on Error{detail} ... on StartReplySuccess{reply{id}}}}`
const APPEND = `mutation($input:AppendMessagesInput!){appendMessages(input:$input){
  __typename ... on Error{detail} ... on AppendMessagesSuccess{created}}}`

/** Bodies at the limits, and what proxies and other clients send. */
export const BODY_ATTACKS: readonly Attack[] = [
  postAttack('model-options-of-4-mb', GROUP, async (target) => {
    const conversationId = await createConversation(target)
    const modelOptions = { stop: 'x'.repeat(4 * MB - 1_000) }
    return { query: START, variables: { input: { conversationId, clientMessageId: 'a', content: 'hi', modelOptions } } }
  }),
  postAttack('body-of-4-mb', GROUP, (target) => threeLarge(target)),
  postAttack('bodies-of-4-mb-20-at-once', GROUP, (target) => threeLarge(target), { times: 20 }),
  postAttack('data-of-29990-keys', GROUP, async (target) => {
    const conversationId = await createConversation(target)
    const data = Object.fromEntries(times(29_900, (index) => [`k${index}`, 0]))
    const messages = [{ role: 'USER', parts: [{ data: { name: 'n', data } }] }]
    return { query: APPEND, variables: { input: { conversationId, messages } } }
  }),
  postAttack('body-of-5-mb', GROUP, () => ({ query: '{ __typename }', extensions: { a: 'x'.repeat(5 * MB) } }), {
    statuses: [413],
    refusedOnly: true,
  }),
  single(
    'accept-of-commas',
    (origin) => post(origin, { query: '{__typename}' }, { accept: ','.repeat(15_000) }),
    [400, 406, 431],
  ),
  single(
    'content-encoding',
    (origin) => post(origin, { query: '{__typename}' }, { 'content-encoding': 'gzip' }),
    [415],
  ),
  single(
    'charset',
    (origin) => post(origin, { query: '{__typename}' }, { 'content-type': 'application/json; charset=latin1' }),
    [415],
  ),
  served('absolute-form', (port) => requestText(`POST http://127.0.0.1:${port}/graphql`, [HOST, JSON_TYPE], TYPENAME)),
  served('upgrade-to-http-2', () =>
    requestText('POST /graphql', [HOST, 'Connection: Upgrade, HTTP2-Settings', ...H2C, JSON_TYPE], TYPENAME),
  ),
  served('upgrade-to-http-2-health', () =>
    requestText('GET /health', [HOST, 'Connection: Upgrade, HTTP2-Settings', ...H2C]),
  ),
  retried('retry-of-minus-zero', '{"data":{"name":"n","data":{"a":-0}}}', isRetried),
  retried('retry-of-minus-zero-metadata', '{"text":{"text":"t","providerMetadata":{"p":{"score":-0.0}}}}', isRetried),
  retried('number-beyond-double', '{"data":{"name":"n","data":{"a":1e400}}}', isRefused),
]

const JSON_TYPE = 'Content-Type: application/json'
const TYPENAME = '{"query":"{__typename}"}'
const H2C = ['Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']

async function threeLarge(target: Parameters<Attack['prepare']>[0]) {
  const conversationId = await createConversation(target)
  const messages = times(4, () => message(wordsOf(MB - 1_000)))
  return { query: APPEND, variables: { input: { conversationId, messages } } }
}

/** One that must be refused, with an answer that is not much longer than the question. */
function single(name: string, ask: (origin: string) => ReturnType<typeof post>, statuses: readonly number[]): Attack {
  return {
    name,
    group: GROUP,
    prepare:
      async ({ origin }) =>
      async () => {
        const answer = await ask(origin)
        const { text, isGood } = judge(answer, { statuses, codes: [], refusedOnly: true })
        const headerBytes = JSON.stringify(answer.headers).length
        return { text: `${text}, headers ${headerBytes} B`, isGood: isGood && headerBytes + answer.bytes < 65_536 }
      },
  }
}

/** One that must be served. */
function served(name: string, requestOf: (port: number) => string): Attack {
  return {
    name,
    group: GROUP,
    prepare:
      async ({ port }) =>
      async () => {
        const { status } = await exchangeRaw(port, requestOf(port), 500)
        return { text: String(status), isGood: status === 200 }
      },
  }
}

/** The same append twice, as JSON that no program of ours writes. */
function retried(name: string, part: string, judgeBoth: (answers: readonly string[]) => Outcome): Attack {
  return {
    name,
    group: GROUP,
    async prepare(target) {
      const id = await createConversation(target)
      const input = `{"conversationId":"${id}","messages":[{"role":"USER","clientMessageId":"a","parts":[${part}]}]}`
      const body = `{"query":${JSON.stringify(APPEND)},"variables":{"input":${input}}}`
      return async () => {
        const first = await post(target.origin, body, JSON_HEADERS)
        const second = await post(target.origin, body, JSON_HEADERS)
        const outcome = judgeBoth([first.text, second.text])
        return worstOf([outcome, ...[first, second].map((answer) => judge(answer))])
      }
    },
  }
}

function isRetried([first = '', second = '']: readonly string[]): Outcome {
  return { text: typenames(first, second), isGood: first.includes('"created":1') && second.includes('"created":0') }
}

function isRefused([first = '', second = '']: readonly string[]): Outcome {
  return { text: typenames(first, second), isGood: !(first + second).includes('Success') }
}

function typenames(...answers: readonly string[]): string {
  return answers.map((text) => /"__typename":"(\w+)"/.exec(text)?.[1] ?? text.slice(0, 60)).join(', ')
}
