import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { execute as executeAsYoga } from '@graphql-tools/executor'
import { defaultFieldResolver, execute, type GraphQLSchema, isObjectType, parse } from 'graphql'
import { executePlan } from '../src/plans/execute-plan.ts'
import { createPlanCache } from '../src/plans/plan-cache.ts'
import { createPlannedSubscriptions } from '../src/plans/planned-subscription.ts'
import { createSchema } from '../src/schema/schema.ts'
import { contextRequest, storeConversation } from './support/conversation.ts'
import type { Finding, Side } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import type { LoadRequest } from './support/http-load.ts'
import { medianInterval, spreadOf } from './support/interval.ts'
import type { LoadOrders } from './support/load-worker.ts'
import { openPlanServers, SERVER_OWNER } from './support/plan-servers.ts'
import { openStage, type Stage } from './support/stage.ts'

/** Something whose processor time is taken; one run does it `times` times. */
interface Subject {
  name: string
  times: number
  run(): unknown
}

/** How many rounds, and how long a slice of one takes at least. */
interface Slicing {
  rounds: number
  leastMs: number
}

const MESSAGES = 60
const MESSAGE_BYTES = 200
const CLIENTS = 8
const BURST = 300
const EXECUTIONS = 50
const SUBSCRIBERS = 1_000
const WARM_UP_ROUNDS = 3
/** Slices are longer than those of a stopwatch: a thread's processor time may move in steps of 4 ms. */
const LONGER = 2
const LOAD = new URL('support/load-worker.ts', import.meta.url)

const QUERY = contextQuery('')
/** What has directives is not planned. */
const UNPLANNED_QUERY = contextQuery('@include(if: true)')
const SUBSCRIPTION = `subscription ($input: SendMessageInput!) {
  sendMessage(input: $input) {
    __typename replyId cursor ... on ReplyDelta { partIndex offset text } ... on ReplyCompleted { message { id content } }
  }
}`

/**
 * What plans are worth: the processor time of the main thread for a cached context over HTTP, for its execution
 * alone, and for a delta, by plans and by what else there is. Waiting counts for nothing, so that a machine
 * that does other things says nearly the same.
 */
export async function measurePlans(grounds: Grounds): Promise<Finding[]> {
  const { slices: rounds, sliceMs } = grounds.options
  const slicing = { rounds, leastMs: LONGER * sliceMs }
  const stage = await openStage(grounds, {})
  try {
    const id = await storeConversation(stage, MESSAGES, MESSAGE_BYTES, SERVER_OWNER)
    const contextValue = await readFixedContext(stage, id)
    const findings = await measureRequests(stage, id, slicing)
    for (const [more, schema] of [
      ['', createSchema()],
      [', every field with a resolver', wrapResolvers(createSchema())],
    ] as const) {
      const executions = executionsOf(schema, { document: parse(QUERY), variableValues: { id }, contextValue })
      findings.push(...(await compareAll(`execution of it${more}`, executions, slicing)))
      const deltas = deltasOf(schema, contextValue)
      const each = `a delta for each of ${SUBSCRIBERS.toLocaleString('en')} subscribers`
      findings.push(...(await compareAll(`${each}${more}`, deltas, slicing)))
    }
    return findings
  } finally {
    await stage.close(0)
  }
}

function contextQuery(directive: string): string {
  return `query ($id: ID!) {
    recentContext(conversationId: $id, maxTokens: 100000) {
      __typename tokenCount messages { __typename id role ${directive} content createdAt tokenCount }
    }
  }`
}

/** A context of an operation that reads nothing: the conversation is read once, which fills the cache too. */
async function readFixedContext({ memory, drain }: Stage, conversationId: string): Promise<object> {
  const request = { ...contextRequest(conversationId), ownerId: SERVER_OWNER, maxTokens: 100_000 }
  const [context] = await memory.readContexts([request])
  if (context === undefined || context instanceof Error) throw new Error('No context', { cause: context })
  await drain()
  return { loaders: { context: async () => context } }
}

async function measureRequests(stage: Stage, id: string, slicing: Slicing): Promise<Finding[]> {
  const servers = await openPlanServers(stage)
  const { backscroll, stock, tuned } = servers
  const asked: [name: string, request: LoadRequest][] = [
    ['stock Yoga', requestOf(stock, QUERY, id)],
    ['Yoga without body size, CORS and multipart', requestOf(tuned, QUERY, id)],
    ["our server with Yoga's executor", requestOf(backscroll, UNPLANNED_QUERY, id)],
    ['Backscroll', requestOf(backscroll, QUERY, id)],
  ]
  const requests = asked.map(([, request]) => request)
  const orders: LoadOrders = { requests, clients: CLIENTS, burst: BURST }
  const worker = new Worker(LOAD, { workerData: orders })
  try {
    await once(worker, 'message')
    await checkAnswers(requests)
    const subjects = asked.map(([name], place) => ({ name, times: BURST, run: () => sendBurst(worker, place) }))
    return await compareAll(`a request of ${MESSAGES} messages over HTTP`, subjects, slicing)
  } finally {
    await worker.terminate()
    await servers.close()
  }
}

function requestOf(origin: string, query: string, id: string): LoadRequest {
  const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json, application/json' }
  return { url: `${origin}/graphql`, method: 'POST', headers, body: JSON.stringify({ query, variables: { id } }) }
}

/** All do the same, and none is quick by an error. */
async function checkAnswers(requests: readonly LoadRequest[]): Promise<void> {
  const texts = await Promise.all(requests.map(async ({ url, ...init }) => (await fetch(url, init)).text()))
  if (new Set(texts).size > 1 || !texts[0]?.includes('"messages"')) {
    throw new Error(`The servers answer ${texts.map((text) => text.slice(0, 200)).join(' and ')}`)
  }
}

async function sendBurst(worker: Worker, place: number): Promise<void> {
  worker.postMessage(place)
  await once(worker, 'message')
}

function executionsOf(
  schema: GraphQLSchema,
  operation: Pick<Parameters<typeof execute>[0], 'document' | 'variableValues' | 'contextValue'>,
): Subject[] {
  const plans = createPlanCache()
  const args = { schema, ...operation }
  const repeat = (name: string, executeOnce: () => unknown): Subject => ({
    name,
    times: EXECUTIONS,
    async run() {
      for (let count = 0; count < EXECUTIONS; count += 1) JSON.stringify(await executeOnce())
    },
  })
  return [
    repeat('graphql-js', () => execute(args)),
    repeat("Yoga's executor", () => executeAsYoga(args)),
    repeat('plans', () => executePlan(planned(plans.prepare(args)))),
  ]
}

function deltasOf(schema: GraphQLSchema, contextValue: object): Subject[] {
  const document = parse(SUBSCRIPTION)
  const input = { conversationId: 'x', clientMessageId: '1', content: 'x' }
  const args = { schema, document, variableValues: { input }, contextValue }
  const mapping = createPlannedSubscriptions().mappingOf(planned(createPlanCache().prepare(args)))
  let offset = 0
  const repeat = (name: string, toResult: (event: object) => unknown): Subject => ({
    name,
    times: SUBSCRIBERS,
    run() {
      offset += 1
      const event = {
        type: 'ReplyDelta',
        replyId: 'rep_x',
        cursor: `c${offset}`,
        partIndex: 0,
        offset,
        text: 'some words ',
      }
      for (let count = 0; count < SUBSCRIBERS; count += 1) JSON.stringify(toResult(event))
    },
  })
  return [
    repeat('graphql-js', (rootValue) => execute({ ...args, rootValue })),
    repeat("Yoga's executor", (rootValue) => executeAsYoga({ ...args, rootValue })),
    repeat('plans', (event) => mapping.toResult(event)),
  ]
}

function planned<T>(execution: T | undefined): T {
  if (execution === undefined) throw new Error('There is no plan')
  return execution
}

/** As a plugin of Pothos does that wraps them. */
function wrapResolvers(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue
    for (const field of Object.values(type.getFields())) {
      const inner = field.resolve ?? defaultFieldResolver
      field.resolve = (...args) => inner(...args)
    }
  }
  return schema
}

/** All in turn, round by round; each is compared with the last one. */
async function compareAll(
  what: string,
  subjects: readonly Subject[],
  { rounds, leastMs }: Slicing,
): Promise<Finding[]> {
  const micros = subjects.map((): number[] => [])
  for (let round = -WARM_UP_ROUNDS; round < rounds; round += 1) {
    for (const [place, subject] of subjects.entries()) {
      const used = await measureSlice(subject, leastMs)
      if (round >= 0) micros[place]?.push(used)
    }
  }
  const sides = subjects.map(({ name }, place): Side => ({ name, unit: 'µs', spread: spreadOf(micros[place] ?? []) }))
  const [ours, last] = [sides.at(-1), micros.at(-1)]
  return sides.slice(0, -1).map((side, place) => {
    const ratios = (micros[place] ?? []).map((each, round) => each / (last?.[round] ?? Number.NaN))
    const both = ours === undefined ? [side] : [side, ours]
    return { what: `${what}, ${side.name}`, sides: both, unit: '×', figure: medianInterval(ratios), rounds: ratios }
  })
}

/** Microseconds of the main thread's processor for one time of many. */
async function measureSlice({ run, times }: Subject, leastMs: number): Promise<number> {
  let count = 0
  const end = performance.now() + leastMs
  const before = process.threadCpuUsage()
  do {
    await run()
    count += times
  } while (performance.now() < end)
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / count
}
