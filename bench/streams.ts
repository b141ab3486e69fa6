import { setTimeout as delay } from 'node:timers/promises'
import { type ChoirProcess, startChoirProcess } from '../test/support/choir-process.ts'
import { type Listener, listen } from '../test/support/listener.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { medianInterval, spreadOf } from './support/interval.ts'
import { listenBySocket } from './support/socket-listener.ts'

interface Choir {
  name: string
  server: ChoirProcess
  listeners: Listener[]
}

type Open = (index: number) => Listener

const ROUNDS = 12
const WARM_UP_ROUNDS = 3
/** One second of deltas. */
const DELTAS = 4
const EVERY_MS = 250
/** So many are opened at a time, as a listening socket takes no more at once. */
const BATCH = 50
const POLL_MS = 5
const WORD = ' words of 24 characters.'
const TARGET = { atLeast: 0.7 }
const BARE = new URL('support/bare-streams.ts', import.meta.url)

const EVENT = '__typename replyId cursor ... on ReplyDelta { offset text }'
const SEND = `subscription ($input: SendMessageInput!) { sendMessage(input: $input) { ${EVENT} } }`
const FOLLOW = `subscription ($id: ID!) { reply(id: $id) { ${EVENT} } }`

/**
 * What a delta costs the server's processors, against servers that do nothing but write it: the share of
 * deltas that the same processors deliver. Fails when a byte is lost.
 */
export async function measureStreams(grounds: Grounds): Promise<Finding[]> {
  const choirs: Choir[] = []
  const start = async (name: string, program: URL | undefined, transport: typeof listen, of: 'each' | 'all') => {
    const server = await startChoirProcess({ DATA_DIR: await grounds.directory() }, program)
    const choir: Choir = { name, server, listeners: [] }
    choirs.push(choir)
    const open = of === 'each' ? replyEach(server, transport) : await replyForAll(choir, transport)
    await openAll(choir, grounds.options.streams, open)
    return choir
  }
  try {
    const sse = await start('bare SSE', BARE, listen, 'each')
    const sockets = await start('bare WebSocket', BARE, listenBySocket, 'each')
    const pairs = [
      [sse, await start('Backscroll', undefined, listen, 'all')],
      [sockets, await start('Backscroll', undefined, listenBySocket, 'all')],
      [sse, await start('Backscroll, a reply each', undefined, listen, 'each')],
      [sockets, await start('Backscroll, a reply each', undefined, listenBySocket, 'each')],
    ] as const
    return await measure(choirs, pairs)
  } finally {
    for (const { listeners, server } of choirs) {
      for (const listener of listeners) listener.leave()
      await server.stop()
    }
  }
}

/** A question and a reply for each stream. */
function replyEach(server: ChoirProcess, transport: typeof listen): Open {
  const input = { content: 'hello', clientMessageId: 'question' }
  return (index) => transport(server.origin, SEND, { input: { ...input, externalId: String(index) } })
}

/** One reply that all streams follow. */
async function replyForAll(choir: Choir, transport: typeof listen): Promise<Open> {
  await openAll(choir, 1, replyEach(choir.server, transport))
  const id = choir.listeners[0]?.last?.replyId
  return () => transport(choir.server.origin, FOLLOW, { id })
}

/** All in turn, second by second, so that what the machine does besides meets each of them. */
async function measure(choirs: readonly Choir[], pairs: readonly (readonly [Choir, Choir])[]): Promise<Finding[]> {
  const micros = new Map(choirs.map((choir): [Choir, number[]] => [choir, []]))
  let length = 0
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    length += DELTAS * WORD.length
    for (const choir of choirs) {
      const used = await sing(choir, length)
      if (round >= 0) micros.get(choir)?.push(used / (DELTAS * choir.listeners.length))
    }
  }
  return pairs.map(([bare, ours]) => {
    const [a = [], b = []] = [micros.get(bare), micros.get(ours)]
    const rounds = a.map((each, index) => each / (b[index] ?? Number.NaN))
    const what = `${ours.listeners.length.toLocaleString('en')} streams, processor time of a delta`
    const sides = [sideOf(bare, a), sideOf(ours, b)]
    return { what, sides, unit: '×', figure: medianInterval(rounds), target: TARGET, rounds }
  })
}

/** Deltas for all of them; the microseconds of the processors until the last has arrived. */
async function sing({ name, server, listeners }: Choir, length: number): Promise<number> {
  const before = await server.measureCpu()
  for (let count = 0; count < DELTAS; count += 1) {
    await Promise.all([server.say(WORD), delay(EVERY_MS)])
  }
  await until(name, () => listeners.every(({ text }) => text.length === length))
  if (!listeners.every(({ text }) => text === WORD.repeat(length / WORD.length))) throw new Error(`${name} lost a byte`)
  return (await server.measureCpu()) - before
}

/** Opens streams until there are so many. */
async function openAll({ name, listeners }: Choir, count: number, open: Open): Promise<void> {
  while (listeners.length < count) {
    const size = Math.min(BATCH, count - listeners.length)
    const batch = Array.from({ length: size }, (_, index) => open(listeners.length + index))
    listeners.push(...batch)
    await until(name, () => batch.every(({ last }) => last !== undefined))
  }
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 120_000
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`Waited too long: ${what}`)
    await delay(POLL_MS)
  }
}

function sideOf({ name }: Choir, micros: number[]) {
  return { name, unit: 'µs' as const, spread: spreadOf(micros) }
}
