import { compare } from './support/compare.ts'
import { contextRequest, storeConversation } from './support/conversation.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { databaseUrl, openStage, type Stage } from './support/stage.ts'

const SHORT = 1_000
const MESSAGE_BYTES = 200
const TARGET = { atMost: 1.1 }

/** A context of a long conversation against one of 1,000 messages, cold and warm, on both histories. */
export async function measureLength(grounds: Grounds): Promise<Finding[]> {
  const { messages, mongodbMessages } = grounds.options
  const findings: Finding[] = []
  const servers = { mongodbUrl: await databaseUrl(grounds, 'length'), redisUrl: await grounds.redisUrl() }
  const places = [
    { store: 'SQLite', length: messages, urls: {} },
    { store: 'MongoDB and Redis', length: mongodbMessages, urls: servers },
  ]
  for (const { store, length, urls } of places) {
    const stage = await openStage(grounds, urls)
    try {
      findings.push(...(await measureStore(grounds, stage, store, length)))
    } finally {
      await stage.close(0)
    }
  }
  return findings
}

async function measureStore(grounds: Grounds, stage: Stage, store: string, length: number): Promise<Finding[]> {
  const begin = performance.now()
  const long = await storeConversation(stage, length, MESSAGE_BYTES)
  const seconds = (performance.now() - begin) / 1_000
  grounds.note(`length: ${length.toLocaleString('en')} messages in ${store} took ${seconds.toFixed(0)} s`)
  const short = await storeConversation(stage, SHORT, MESSAGE_BYTES)
  const sides = [
    { id: long, name: length.toLocaleString('en') },
    { id: short, name: SHORT.toLocaleString('en') },
  ]
  const readOf = (isCold: boolean) =>
    sides.map(({ id, name }) => {
      const run = () => stage.memory.readContexts([contextRequest(id)])
      return { name, run, ...(isCold && { before: () => stage.forget(id) }) }
    })
  const findings: Finding[] = []
  for (const isCold of [true, false]) {
    const [a, b] = readOf(isCold)
    if (a === undefined || b === undefined) continue
    await Promise.all([a.run(), b.run()])
    await stage.drain()
    const what = `${isCold ? 'cold' : 'warm'} read, ${store}`
    findings.push(await compare(what, [a, b], grounds.options, 'RATIO', TARGET))
  }
  return findings
}
