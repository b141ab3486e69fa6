import { setImmediate as nextTurn } from 'node:timers/promises'
import { openHandWritten } from './peers/hand-written.ts'
import { openRedisList } from './peers/redis-list.ts'
import { contextRequest, readAll, storeConversation } from './support/conversation.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { openInstalledPeer } from './support/installed-peer.ts'
import { medianInterval } from './support/interval.ts'
import type { PeerStores } from './support/peer.ts'
import { databaseUrl, openStage, type Stage } from './support/stage.ts'

const SHORTEST = 100
const STEP = 10
const MESSAGE_BYTES = 200
/** Untimed and timed reads of one length, and how long each of the two may go on. */
const WARM_UP = { fewest: 1, most: 500, ms: 1_000 }
const TIMED = { fewest: 3, most: 25, ms: 10_000 }
/** A length at which one read can be expected to take longer is left out. */
const READ_MS = 60_000

/** Whose reads are timed. `forget` is there where it caches. */
interface Subject {
  name: string
  longest: number
  /** A conversation of so many messages. */
  fill(length: number): Promise<string>
  read(id: string): Promise<unknown>
  forget?: ((id: string) => Promise<void>) | undefined
}

/** What a context of 3,000 tokens costs against the length of its conversation, for us and for each peer as far as it gets. */
export async function measureSize(grounds: Grounds): Promise<Finding[]> {
  const { messages, mongodbMessages } = grounds.options
  const stores = { mongodbUrl: await databaseUrl(grounds, 'size'), redisUrl: await grounds.redisUrl() }
  const embedded = await openStage(grounds, {})
  const stage = await openStage(grounds, stores)
  try {
    const ours = subjectOf(stage, 'Backscroll', mongodbMessages)
    return [
      ...(await measureSubject(grounds, subjectOf(embedded, 'Backscroll embedded', messages))),
      ...(await measureSubject(grounds, ours)),
      ...(await measurePeers(grounds, stage, stores, ours)),
    ]
  } finally {
    await embedded.close(0)
    await stage.close(0)
  }
}

/** What is stored once serves every peer after it. */
function subjectOf(stage: Stage, name: string, longest: number): Subject {
  const stored = new Map<number, string>()
  return {
    name,
    longest,
    async fill(length) {
      const id = stored.get(length) ?? (await storeConversation(stage, length, MESSAGE_BYTES))
      stored.set(length, id)
      return id
    },
    read: (id) => stage.memory.readContexts([contextRequest(id)]),
    forget: stage.forget,
  }
}

async function measurePeers(grounds: Grounds, stage: Stage, stores: PeerStores, ours: Subject): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const open of [
    () => openHandWritten(stores),
    () => openInstalledPeer('langchain.ts', stores),
    () => openInstalledPeer('mastra.ts', stores),
    () => openRedisList(stores),
  ]) {
    const peer = await open()
    const fill = async (length: number) => {
      const id = await ours.fill(length)
      await peer.fill(id, await readAll(stage, id, length))
      return id
    }
    const read = (id: string) => peer.readContext(id, contextRequest(id).maxTokens)
    try {
      const subject = { name: peer.name, longest: ours.longest, fill, read, forget: peer.forget }
      findings.push(...(await measureSubject(grounds, subject)))
    } finally {
      await peer.close()
    }
  }
  return findings
}

async function measureSubject(grounds: Grounds, subject: Subject): Promise<Finding[]> {
  const { name, longest } = subject
  const findings: Finding[] = []
  let before = Number.POSITIVE_INFINITY
  for (let messages = SHORTEST; messages <= longest; messages *= STEP) {
    const stops = (why: string) =>
      grounds.note(`size: ${name} stops at ${messages.toLocaleString('en')} messages: ${why}`)
    try {
      const [slower, ...others] = await measureLength(subject, messages)
      findings.push(slower, ...others)
      const { median } = slower.figure
      if ((median * median) / before > READ_MS) {
        stops(`a read takes ${median.toFixed(0)} ms`)
        break
      }
      before = median
    } catch (error) {
      // A document that grows too large, say: how far it gets is what is measured.
      stops(String(error))
      break
    }
  }
  return findings
}

/** Cold, then warm, where there is a difference. */
async function measureLength(subject: Subject, messages: number): Promise<[Finding, ...Finding[]]> {
  const id = await subject.fill(messages)
  const measure = async (series: string, isCold: boolean): Promise<Finding> => {
    const rounds = await timeReads(subject, id, isCold)
    const what = `${series}, ${messages.toLocaleString('en')} messages`
    return { what, sides: [], unit: 'ms', figure: medianInterval(rounds), rounds, point: { series, messages } }
  }
  const { name } = subject
  if (subject.forget === undefined) return [await measure(name, false)]
  return [await measure(`${name}, cold`, true), await measure(`${name}, warm`, false)]
}

async function timeReads({ read, forget }: Subject, id: string, isCold: boolean): Promise<number[]> {
  const repeat = async ({ fewest, most, ms }: typeof TIMED) => {
    const times: number[] = []
    const end = performance.now() + ms
    while (times.length < fewest || (times.length < most && performance.now() < end)) {
      if (isCold) await forget?.(id)
      // A history that answers at once leaves no turn for what is written after the response: the cache.
      await nextTurn()
      const start = performance.now()
      await read(id)
      times.push(performance.now() - start)
    }
    return times
  }
  await repeat(WARM_UP)
  return repeat(TIMED)
}
