import { type Attack, hasInside, type Outcome, type Target, worstOf } from './attacks.ts'
import { exchangeRaw, requestText } from './requests.ts'

const GROUP = 'host'
const EVIL = 'Host: evil.example:4000'
const EVIL_ORIGIN = 'Origin: http://evil.example:4000'
const JSON_TYPE = 'Content-Type: application/json'
const LIST = '{"query":"{conversations{nodes{id title}}}"}'
const CREATE = '{"query":"mutation{createConversation(input:{title:\\"evil\\"}){__typename}}"}'
const SUBSCRIBE = '{"query":"subscription{conversationEvents(conversationId:\\"conv_nothing\\"){cursor}}"}'
const UPGRADE = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: graphql-transport-ws',
]
/** A page of another site whose name was changed to this machine's address. */
const FOREIGN_HOSTS = [
  'evil.example:4000',
  'localhost@evil.example',
  '127.0.0.1.evil.example',
  'localhost.evil.example:4000',
  '',
]
const BROKEN_HOSTS = ['a b:99999999', '[::1', 'x:99999999', 'x:y', '%', 'a/b', '[::1]:70000']

/** Whoever is not of this machine, or is no host at all. */
export const HOST_ATTACKS: readonly Attack[] = [
  refused('foreign-host-read', [requestText('POST /graphql', [EVIL, EVIL_ORIGIN, JSON_TYPE], LIST)]),
  refused('foreign-host-write', [requestText('POST /graphql', [EVIL, EVIL_ORIGIN, JSON_TYPE], CREATE)]),
  refused('foreign-host-get', [requestText('GET /graphql?query=%7B__typename%7D', [EVIL])]),
  refused('foreign-host-page', [requestText('GET /graphql', [EVIL, 'Accept: text/html'])]),
  refused('foreign-host-health', [requestText('GET /health', [EVIL])]),
  refused('foreign-host-stream', [
    requestText('POST /graphql', [EVIL, EVIL_ORIGIN, JSON_TYPE, 'Accept: text/event-stream'], SUBSCRIBE),
  ]),
  refused('foreign-host-socket', [requestText('GET /graphql', [EVIL, EVIL_ORIGIN, ...UPGRADE])]),
  refused(
    'foreign-hosts',
    FOREIGN_HOSTS.map((host) => requestText('POST /graphql', [`Host: ${host}`, JSON_TYPE], LIST)),
  ),
  refused('doubled-host', [requestText('POST /graphql', ['Host: 127.0.0.1', EVIL, JSON_TYPE], LIST)]),
  {
    ...refused('foreign-origin', []),
    prepare: async (target) => () => sendAll(target, [originRequest(target)], isRefusal),
  },
  {
    name: 'framed-page',
    group: GROUP,
    async prepare(target) {
      // Made for the first visitor.
      await (await fetch(`${target.origin}/graphql`, { headers: { accept: 'text/html' } })).arrayBuffer()
      return () =>
        sendAll(target, [requestText('GET /graphql', [own(target), 'Accept: text/html'])], (answer) =>
          /x-frame-options: *deny|frame-ancestors/i.test(answer),
        )
    },
  },
  {
    name: 'broken-hosts',
    group: GROUP,
    prepare: async (target) => () => sendAll(target, BROKEN_HOSTS.flatMap(brokenRequests), isRefusal),
  },
]

function refused(name: string, requests: readonly string[]): Attack {
  return { name, group: GROUP, prepare: async (target) => () => sendAll(target, requests, isRefusal) }
}

/** Its own address, but asked by a page of another. */
function originRequest(target: Target): string {
  return requestText('POST /graphql', [own(target), EVIL_ORIGIN, JSON_TYPE], LIST)
}

function own({ port }: Target): string {
  return `Host: 127.0.0.1:${port}`
}

function brokenRequests(host: string): string[] {
  const headers = [`Host: ${host}`, JSON_TYPE]
  return [
    requestText('GET /graphql?query=%7B__typename%7D', headers),
    requestText('GET /graphql', [...headers, 'Accept: text/html']),
    requestText('POST /graphql', headers, '{"query":"{ nothing }"}'),
    requestText('POST /graphql', headers, SUBSCRIBE),
  ]
}

function isRefusal(answer: string): boolean {
  return /^HTTP\/1\.1 4(00|03|21) /.test(answer) && !hasInside(answer)
}

async function sendAll(
  { port }: Target,
  requests: readonly string[],
  isGood: (answer: string) => boolean,
): Promise<Outcome> {
  const outcomes: Outcome[] = []
  for (const request of requests) {
    // All of them are short; the connection closes after the answer.
    const text = request.replace('\r\n', '\r\nConnection: close\r\n')
    const answer = await exchangeRaw(port, request.includes('Upgrade: websocket') ? request : text, 500)
    outcomes.push({
      text: `${answer.status}${hasInside(answer.text) ? ' with a stack' : ''}`,
      isGood: isGood(answer.text),
    })
  }
  return worstOf(outcomes)
}
