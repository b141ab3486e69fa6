import { setTimeout as delay } from 'node:timers/promises'
import { type Attack, hasInside, judge, type Outcome, type Target, worstOf } from './attacks.ts'
import { exchangeRaw, openWebSocket, requestText, sendFrames } from './requests.ts'

const GROUP = 'wording'
const NEXT = '{"id":"1","type":"next","payload":{}}'
const SECRET = 'my-secret-words'
const AFTER_GOING_MS = 1_000
/** More lines than these for one client are a log that the client writes. */
const MAX_LINES = 20

/** What answers and the log must not say. */
export const WORDING_ATTACKS: readonly Attack[] = [
  getWith('variables-no-json', `variables=${encodeURIComponent(`{"content":${SECRET}}`)}`),
  getWith('extensions-no-json', `extensions=${encodeURIComponent(`{"content":${SECRET}}`)}`),
  getWith('variables-a-list', 'variables=%5B1%5D'),
  getWith('query-no-graphql', `query=${encodeURIComponent(`{ ${SECRET}`)}`, [200, 400]),
  getWith('broken-percent-encoding', 'query=%7B__typename%7D%E0%A4%A&variables=%'),
  {
    name: 'frames-of-servers',
    group: GROUP,
    prepare: async (target) => async () => {
      for (const frame of [
        NEXT,
        '{"type":"next"}',
        '{"type":"complete"}',
        '{"type":"what"}',
        '[]',
        'null',
        '{',
        SECRET,
      ]) {
        const socket = await openWebSocket(target.port)
        const ended = new Promise<void>((resolve) => {
          socket.on('message', (data) => String(data).includes('"pong"') && resolve())
          socket.once('close', () => resolve())
        })
        await sendFrames(socket, 200, () => frame)
        // Its answer comes behind whatever the frames before it lead to.
        await sendFrames(socket, 1, () => '{"type":"ping"}')
        await ended
        socket.terminate()
      }
      return logOutcome(target)
    },
  },
  {
    name: 'one-second-from-a-socket-that-goes',
    group: GROUP,
    prepare: async (target) => async () => {
      const socket = await openWebSocket(target.port)
      socket.pause()
      await sendFrames(socket, 20_000, () => `{"type":"ping","payload":{"a":"${SECRET}"}}`)
      socket.terminate()
      // Nothing tells who has gone what the server makes of it.
      await delay(AFTER_GOING_MS)
      return logOutcome(target)
    },
  },
  {
    name: 'redis-that-is-not-there',
    group: GROUP,
    env: { REDIS_URL: 'redis://127.0.0.1:1' },
    prepare: async (target) => async () => {
      const isNamed = /redis/i.test((await target.log()).replaceAll('"redis":', ''))
      return { text: isNamed ? 'a line names it' : 'no line', isGood: isNamed }
    },
  },
]

function getWith(name: string, parameter: string, statuses = [400]): Attack {
  return {
    name,
    group: GROUP,
    prepare: async (target) => async () => {
      const query = parameter.startsWith('query') ? '' : 'query=%7B__typename%7D&'
      const request = requestText(`GET /graphql?${query}${parameter}`, ['Host: 127.0.0.1', 'Accept: application/json'])
      const answer = await exchangeRaw(target.port, request, 500)
      const refused = judge(answer, { statuses, codes: [], refusedOnly: true })
      return worstOf([refused, await logOutcome(target)])
    },
  }
}

/** The log: lines of JSON, few of them, none with what was said. What is logged is written at once. */
async function logOutcome({ log }: Target): Promise<Outcome> {
  const lines = (await log()).split('\n').filter((line) => line !== '')
  const foreign = lines.filter((line) => !isJson(line))
  const telling = lines.filter((line) => line.includes(SECRET) || (hasInside(line) && !isJson(line)))
  const text = `log of ${lines.length} lines, ${foreign.length} no JSON, ${telling.length} that say too much`
  return { text, isGood: foreign.length === 0 && telling.length === 0 && lines.length <= MAX_LINES }
}

function isJson(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object'
  } catch {
    return false
  }
}
