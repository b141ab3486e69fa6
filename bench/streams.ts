import { setTimeout as delay } from 'node:timers/promises'
import { type ChoirProcess, startChoirProcess } from '../test/support/choir-process.ts'
import { type StreamSubscriber, subscribe } from '../test/support/sse-subscriber.ts'
import type { Finding, Side, Target, Unit } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { medianInterval, spreadOf } from './support/interval.ts'
import { subscribeBySocket } from './support/socket-subscriber.ts'

interface Choir {
  name: string
  server: ChoirProcess
  subscribers: StreamSubscriber[]
  /** Of the heap of its server, for each subscriber. */
  heapKilobytes: number
}

type Open = (index: number) => StreamSubscriber

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
const HEAP_TARGET = { atMost: 24 }
const BARE = new URL('support/bare-streams.ts', import.meta.url)

const EVENT = '__typename replyId cursor ... on ReplyDelta { offset text }'
const SEND = `subscription ($input: SendMessageInput!) { sendMessage(input: $input) { ${EVENT} } }`
const FOLLOW = `subscription ($id: ID!) { reply(id: $id) { ${EVENT} } }`

/**
 * What a delta costs the server's processors, against servers that do nothing but write it: the share of
 * deltas that the same processors deliver. Fails when a byte is lost.
 */
export async function measureStreams(grounds: Grounds): Promise<Finding[]> {
  return [
    ...(await measureTransport(grounds, 'SSE', subscribe)),
    ...(await measureTransport(grounds, 'WebSocket', subscribeBySocket)),
  ]
}

async function measureTransport(grounds: Grounds, by: string, transport: typeof subscribe): Promise<Finding[]> {
  const choirs: Choir[] = []
  const start = async (name: string, program: URL | undefined, of: 'each' | 'all') => {
    const server = await startChoirProcess({ DATA_DIR: await grounds.directory() }, program)
    const choir = { name, server, subscribers: [], heapKilobytes: Number.NaN }
    choirs.push(choir)
    await fill(
      choir,
      grounds.options.streams,
      of === 'each' ? replyEach(choir, transport) : followers(choir, transport),
    )
    return choir
  }
  try {
    const bare = await start(`bare ${by}`, BARE, 'each')
    const ofOne = await start('Backscroll', undefined, 'all')
    const ofEach = await start('Backscroll, a reply each', undefined, 'each')
    return await measure(by, bare, ofOne, ofEach)
  } finally {
    for (const { subscribers, server } of choirs) {
      for (const subscriber of subscribers) subscriber.unsubscribe()
      await server.stop()
    }
  }
}

/** Opens streams until there are so many; the first ones only warm up. */
async function fill(choir: Choir, count: number, open: Open): Promise<void> {
  await openAll(choir, BATCH, open)
  const before = await choir.server.measureHeap()
  await openAll(choir, count + BATCH, open)
  choir.heapKilobytes = ((await choir.server.measureHeap()) - before) / count / 1_024
}

/** A question and a reply for each stream. */
function replyEach({ server }: Choir, transport: typeof subscribe): Open {
  const input = { content: 'hello', clientMessageId: 'question' }
  return (index) => transport(server.origin, SEND, { input: { ...input, externalId: String(index) } })
}

/** One reply that all streams follow, once the first one has begun it. */
function followers(choir: Choir, transport: typeof subscribe): Open {
  const send = replyEach(choir, transport)
  return (index) => {
    const id = choir.subscribers[0]?.last?.replyId
    return id === undefined ? send(index) : transport(choir.server.origin, FOLLOW, { id })
  }
}

/** All in turn, second by second, so that what the machine does besides meets each of them. */
async function measure(by: string, bare: Choir, ofOne: Choir, ofEach: Choir): Promise<Finding[]> {
  const choirs = [bare, ofOne, ofEach]
  const micros = new Map(choirs.map((choir): [Choir, number[]] => [choir, []]))
  let length = 0
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    length += DELTAS * WORD.length
    for (const choir of choirs) {
      const used = await sing(choir, length)
      if (round >= 0) micros.get(choir)?.push(used / (DELTAS * choir.subscribers.length))
    }
  }
  const compare = (ours: Choir, target?: Target): Finding => {
    const [a = [], b = []] = [micros.get(bare), micros.get(ours)]
    const rounds = a.map((each, index) => each / (b[index] ?? Number.NaN))
    const each = ours === ofEach ? ', a reply each' : ''
    const what = `${ours.subscribers.length.toLocaleString('en')} streams by ${by}${each}: processor time of a delta`
    const sides = [sideOf(bare.name, 'µs', a), sideOf(ours.name, 'µs', b)]
    return { what, sides, unit: '×', figure: medianInterval(rounds), ...(target && { target }), rounds }
  }
  return [
    compare(ofOne, TARGET),
    compare(ofEach),
    heapOf(by, bare, ofOne, HEAP_TARGET),
    heapOf(`${by}, a reply each`, bare, ofEach),
  ]
}

function heapOf(by: string, bare: Choir, ours: Choir, target?: Target): Finding {
  const { heapKilobytes: median } = ours
  const sides = [bare, ours].map(({ name, heapKilobytes }) => sideOf(name, 'KB', [heapKilobytes]))
  const figure = { median, low: median, high: median }
  return { what: `heap of a stream by ${by}`, sides, unit: 'KB', figure, ...(target && { target }), rounds: [median] }
}

/** Deltas for all of them; the microseconds of the processors until the last has arrived. */
async function sing({ name, server, subscribers }: Choir, length: number): Promise<number> {
  const before = await server.measureCpu()
  for (let count = 0; count < DELTAS; count += 1) {
    await Promise.all([server.emit(WORD), delay(EVERY_MS)])
  }
  await until(name, () => subscribers.every(({ text }) => text.length === length))
  if (!subscribers.every(({ text }) => text === WORD.repeat(length / WORD.length)))
    throw new Error(`${name} lost a byte`)
  return (await server.measureCpu()) - before
}

/** Opens streams until there are so many. */
async function openAll({ name, subscribers }: Choir, count: number, open: Open): Promise<void> {
  while (subscribers.length < count) {
    // The first one alone: the others may follow what it has begun.
    const size = subscribers.length === 0 ? 1 : Math.min(BATCH, count - subscribers.length)
    const batch = Array.from({ length: size }, (_, index) => open(subscribers.length + index))
    subscribers.push(...batch)
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

function sideOf(name: string, unit: Unit, values: number[]): Side {
  return { name, unit, spread: spreadOf(values) }
}
