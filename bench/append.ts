import type { NewMessage } from '../src/memory/message.ts'
import { type BareStore, openBareMongodb, openBareSqlite } from './support/bare-store.ts'
import { compare } from './support/compare.ts'
import { createDrafts, OWNER_ID } from './support/conversation.ts'
import type { Finding, Side } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { databaseUrl, openStage, type Stage } from './support/stage.ts'

const MESSAGE_BYTES = 200
const CONVERSATIONS = 32
const BATCH = 1_000

/** What one run appends: to so many conversations at once, so many messages to each. */
const LOADS = [
  { what: 'one at a time', conversations: 1, messages: 1 },
  { what: `to ${CONVERSATIONS} conversations at once`, conversations: CONVERSATIONS, messages: 1 },
  { what: `in batches of ${BATCH.toLocaleString('en')}`, conversations: 1, messages: BATCH },
]

/** How much longer an append takes than the least that keeps the same messages in the same store. */
export async function measureAppend(grounds: Grounds): Promise<Finding[]> {
  const mongodbUrl = await databaseUrl(grounds, 'append')
  const servers = { mongodbUrl, redisUrl: await grounds.redisUrl() }
  const places = [
    { store: 'SQLite', urls: {}, bare: async () => openBareSqlite(await grounds.directory()) },
    { store: 'MongoDB and Redis', urls: servers, bare: () => openBareMongodb(mongodbUrl) },
  ]
  const findings: Finding[] = []
  for (const { store, urls, bare } of places) {
    const [stage, bareStore] = [await openStage(grounds, urls), await bare()]
    try {
      findings.push(...(await measureStore(grounds, stage, bareStore, store)))
    } finally {
      await bareStore.close()
      await stage.close(0)
    }
  }
  return findings
}

/** What Backscroll leaves for after its answers is done before the next slice, so that it is no load of the other side. */
async function measureStore({ options }: Grounds, stage: Stage, bare: BareStore, store: string): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const { what, conversations, messages } of LOADS) {
    const ids = await createConversations(stage, conversations)
    const given = createDrafts(messages, MESSAGE_BYTES).map(({ role, parts }): NewMessage => ({ role, parts }))
    const toAll = (append: (id: string) => Promise<unknown>) => () => Promise.all(ids.map(append))
    const ours = {
      name: 'appendMessages',
      run: toAll((id) => stage.memory.appendMessages(OWNER_ID, id, given)),
      after: () => stage.drain(),
    }
    const least = { name: 'bare store', run: toAll((id) => bare.append(id, given)) }
    const finding = await compare(`${what}, ${store}`, [ours, least], options, 'RATIO')
    findings.push({ ...finding, sides: finding.sides.map((side) => perSecond(side, conversations * messages)) })
  }
  return findings
}

async function createConversations({ memory }: Stage, count: number): Promise<string[]> {
  const ids: string[] = []
  while (ids.length < count) ids.push((await memory.createConversation(OWNER_ID, {}, 'FAIL')).conversation.id)
  return ids
}

/** The times of runs as what they append in a second. */
function perSecond({ name, spread }: Side, messages: number): Side {
  const rate = (ms: number) => (1_000 * messages) / ms
  const { median, lowerQuartile, upperQuartile } = spread
  const rates = { median: rate(median), lowerQuartile: rate(upperQuartile), upperQuartile: rate(lowerQuartile) }
  return { name, unit: 'messages/s', spread: rates }
}
