import { setImmediate as nextTick } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { type Document, MongoClient } from 'mongodb'
import { MAX_REGISTER_BYTES } from '../../src/memory/cache/cache-format.ts'
import { type Attack, judge, type Outcome, type Target, worstOf } from './attacks.ts'
import { append, createConversation, createLongConversation, createVersions, message } from './conversations.ts'
import { post } from './requests.ts'

const GROUP = 'stores'
const CONTEXT = `query($id:ID!){recentContext(conversationId:$id,maxTokens:3000){
  source conversation{id} chatMessages messages{id role content author createdAt status finishReason metadata
  usage{promptTokens} versions parts{__typename}}}}`
const READ = `query($id:ID!){conversation(id:$id){title createdAt expiresAt metadata messages(last:5){nodes{id}}
  recentContext{messages{id}}}}`
/** What stands in the place of a value. */
const NONSENSE = [
  '1e308',
  '-1',
  '1099511627776',
  '1.5',
  '"x"',
  '"../x"',
  '"__proto__"',
  'null',
  '{}',
  '[]',
  '[null]',
  '[[]]',
]
const SCALARS = /"(?:[^"\\]|\\.)*"(?!\s*:)|-?\d+(?:\.\d+)?|null|true|false/g

/** Values of the stores that can be parsed and mean nonsense. */
export const STORE_ATTACKS: readonly Attack[] = [
  {
    name: 'junk-in-redis',
    group: GROUP,
    stores: 'redis',
    async prepare(target) {
      const id = await createLongConversation(target, 3)
      const part = { toolCall: { toolCallId: 'call', toolName: 'tool', arguments: '{}' } }
      await append(target, id, [{ role: 'ASSISTANT', parts: [part, { text: { text: 'said' } }], author: 'a' }])
      return () => withRedis(target, (redis) => poison(target, redis, id))
    },
  },
  {
    name: 'register-of-100000-marks',
    group: GROUP,
    stores: 'redis',
    async prepare(target) {
      const [id, other] = [await createLongConversation(target, 3), await createLongConversation(target, 3)]
      return () => withRedis(target, (redis) => overfill(target, redis, id, other))
    },
  },
  junk('junk-time-in-mongodb', { createdAt: 'x' }),
  junk('no-time-in-mongodb', { createdAt: null }),
  junk('junk-metadata-in-mongodb', { metadata: '{secret' }),
  junk('junk-expiry-in-mongodb', { expiresAt: 'x' }),
  junk('junk-encoding-in-mongodb', { encoding: 7 }),
  junk('unknown-branch-in-mongodb', { activeBranch: '999' }),
  junk('no-branches-in-mongodb', { branches: null }),
  junk('circle-of-branches-in-mongodb', ({ branches }) => ({
    branches: (branches as Document[]).map((branch) => ({ ...branch, parent: branch.id, atSequence: 2 })),
  })),
]

async function withRedis(target: Target, work: (redis: Redis) => Promise<Outcome>): Promise<Outcome> {
  const redis = new Redis(target.redisUrl)
  try {
    return await work(redis)
  } finally {
    redis.disconnect()
  }
}

/** Each value of a tail in turn is nonsense: the answer must be the same, or at least be of the right messages. */
async function poison(target: Target, redis: Redis, id: string): Promise<Outcome> {
  const read = () => post(target.origin, { query: CONTEXT, variables: { id } })
  await read()
  const truth = idsOf((await read()).text)
  const [head, tail] = [`bs:v1:{${id}}:head`, `bs:v1:{${id}}:tail`]
  const [register, good] = [(await redis.get(head)) ?? '', (await redis.get(tail)) ?? '']
  if (good === '') return { text: 'there was no tail', isGood: false }
  const outcomes: Outcome[] = []
  for (const bad of variantsOf(good)) {
    await redis.mset(head, register, tail, bad)
    const outcome = judge(await read(), { codes: [] })
    // What follows must be as if nothing had been there.
    const isRight = idsOf((await read()).text) === truth
    outcomes.push({ text: outcome.text, isGood: outcome.isGood && isRight })
  }
  return worstOf(outcomes)
}

function* variantsOf(value: string): Generator<string> {
  for (const { index, 0: found } of value.matchAll(SCALARS)) {
    for (const nonsense of NONSENSE) yield value.slice(0, index) + nonsense + value.slice(index + found.length)
  }
}

function idsOf(text: string): string {
  return [...text.matchAll(/"id":"([^"]+)"/g)].map(([, id]) => id).join()
}

/** One huge register; the other conversation must still be read from the cache. */
async function overfill(target: Target, redis: Redis, id: string, other: string): Promise<Outcome> {
  const read = (of: string) => post(target.origin, { query: CONTEXT, variables: { id: of } })
  await read(id)
  await append(target, id, [message('one more')])
  const key = `bs:v1:{${id}}:head`
  const register = JSON.parse((await redis.get(key)) ?? '{}') as { h?: Record<string, unknown> }
  const [mark] = Object.values(register.h ?? {})
  if (mark === undefined) return { text: 'there was no mark', isGood: false }
  const marks = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`branch${index}`, mark]))
  await redis.set(key, JSON.stringify({ ...register, h: { ...marks, ...register.h } }))
  const appended = await post(target.origin, {
    query: 'mutation($input:AppendMessagesInput!){appendMessages(input:$input){__typename}}',
    variables: { input: { conversationId: id, messages: [message('and one')] } },
  })
  // Its mark is taken when the huge value is gone; until then it might take the cache from all.
  while ((await redis.strlen(key)) > MAX_REGISTER_BYTES) await nextTick()
  await read(other)
  const { text } = await read(other)
  const source = /"source":"(\w+)"/.exec(text)?.[1] ?? text.slice(0, 60)
  return { text: `append ${judge(appended).text}, others by ${source}`, isGood: source === 'CACHE' }
}

/** One bad document: its conversation has an error of its own, and the others are listed and read. */
function junk(name: string, change: object | ((conversation: Document) => object)): Attack {
  return {
    name,
    group: GROUP,
    stores: 'mongodb',
    async prepare(target) {
      const good = await createConversation(target, 'good')
      await createVersions(target, 3)
      const client = await new MongoClient(target.mongodbUrl).connect()
      target.onEnd(() => client.close())
      const conversations = client.db().collection<{ _id: string }>('conversations')
      const bad = await conversations.findOne({ _id: { $ne: good } })
      const set = typeof change === 'function' ? change(bad ?? {}) : change
      await conversations.updateOne({ _id: bad?._id ?? '' }, { $set: set })
      return () => readBeside(target, good, bad?._id ?? '')
    },
  }
}

async function readBeside({ origin }: Target, good: string, bad: string): Promise<Outcome> {
  const list = await post(origin, { query: '{conversations(first:10){nodes{id createdAt metadata expiresAt}}}' })
  const one = await post(origin, { query: READ, variables: { id: bad } })
  const written = await post(origin, {
    query: 'mutation($input:AppendMessagesInput!){appendMessages(input:$input){__typename ... on Error{detail}}}',
    variables: { input: { conversationId: bad, messages: [message('one more')] } },
  })
  const isListed = list.text.includes(good)
  const outcomes = [list, one, written].map((answer) => judge(answer, { codes: ['CONVERSATION_UNREADABLE'] }))
  const worst = worstOf(outcomes)
  return { text: `${isListed ? 'listed' : 'not listed'}; ${worst.text}`, isGood: isListed && worst.isGood }
}
