import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { PlayedCase } from './case-server.ts'
import type { GraphqlClient } from './graphql-client.ts'
import { isPaired, type SentMessage } from './refusal-rules.ts'
import type { CaseExpectation, CaseQuestion, CaseStep, StreamCase } from './stream-case.ts'

const MESSAGE = `id sequence role status content finishReason model
  usage { promptTokens completionTokens cachedPromptTokens reasoningTokens estimated }
  parts { __typename providerMetadata ... on ReasoningPart { text } ... on ToolCallPart { toolCallId toolName arguments }
    ... on DataPart { name data } }`
const SEND = `subscription ($input: SendMessageInput!) { sendMessage(input: $input) {
  __typename replyId ... on ReplyStarted { question { id } } ... on ReplyDelta { offset text } ... on ReplyPart { partIndex }
  ... on ReplyCompleted { message { ${MESSAGE} } } ... on ReplyInterrupted { reason partial { ${MESSAGE} } }
  ... on ReplyFailed { code detail retryable partial { ${MESSAGE} } } ... on ReplyRejected { code detail } } }`
const CREATE = `mutation ($input: CreateConversationInput!) { createConversation(input: $input) {
  ... on CreateConversationSuccess { conversation { id } } } }`
const APPEND = `mutation ($input: AppendMessagesInput!) { appendMessages(input: $input) {
  __typename ... on AppendMessagesSuccess { messages { id } } ... on Error { code detail } } }`
const READ = `query ($id: ID!) { conversation(id: $id) { messages(first: 100) { nodes { ${MESSAGE} } } } }`
const CANCEL = 'mutation ($id: ID!) { cancelReply(id: $id) { __typename } }'
const REDACT = 'mutation ($id: ID!) { redactMessage(id: $id) { __typename } }'

interface Part {
  __typename: string
  providerMetadata: unknown
  text?: string
  toolCallId?: string
  toolName?: string
  arguments?: string
  data?: unknown
}
interface ReadMessage {
  id: string
  sequence: number
  role: string
  content: string
  finishReason: string | null
  usage: Record<string, unknown> | null
  parts: Part[]
}
interface SentEvent {
  __typename: string
  replyId: string
  offset?: number
  text?: string
  message?: ReadMessage
  partial?: ReadMessage | null
  code?: string
  detail?: string
  retryable?: boolean
}

/** What a case's conversation is held with: a client that may be another one after a restart. */
export interface CaseWorld {
  readonly client: GraphqlClient
  played: PlayedCase
  restart(): Promise<void>
}

/** Plays a case in a new conversation; what was otherwise than it should be. */
export async function playCase(world: CaseWorld, one: StreamCase): Promise<string[]> {
  const { conversation } = await request<{ conversation: { id: string } }>(world, CREATE, {
    input: { model: world.played.model, ...one.create },
  })
  const problems: string[] = []
  for (const [index, step] of (one.steps ?? [one]).entries()) {
    const found = await playStep(world, conversation.id, step)
    problems.push(...found.map((problem) => (one.steps ? `step ${index}: ${problem}` : problem)))
  }
  return problems
}

async function playStep(world: CaseWorld, conversationId: string, step: CaseStep): Promise<string[]> {
  if (step.restart) await world.restart()
  if (step.append) await append(world, conversationId, step.append)
  if (step.results) await appendResults(world, conversationId, step.results)
  if (step.stopped) await stopBeforeFirstWord(world, conversationId, step.stopped)
  if (step.redact !== undefined) {
    const messages = await readMessages(world, conversationId)
    await request(world, REDACT, { id: messages.find(({ sequence }) => sequence === step.redact)?.id })
  }
  const sent = step.send ? await send(world, conversationId, step.send, step.expect ?? {}) : []
  const asked = step.asked?.flatMap((question) => judgeQuestion(world.played.taken, question)) ?? []
  const stored = step.history ? judgeHistory(await readMessages(world, conversationId), step.history) : []
  return [...sent, ...asked, ...stored]
}

async function send(
  world: CaseWorld,
  conversationId: string,
  given: Record<string, unknown>,
  expected: CaseExpectation,
): Promise<string[]> {
  const before = world.played.requests
  const began = performance.now()
  const events: SentEvent[] = []
  for await (const event of streamOf(world, conversationId, given)) events.push(event)
  const took = performance.now() - began
  const end = events.at(-1)
  const message = end?.message ?? end?.partial ?? undefined
  const stored = (await readMessages(world, conversationId)).find(({ id }) => id === message?.id)
  const problems = [
    ...judgeEnd(end, message, expected),
    ...differs('requests', world.played.requests - before, expected.requests),
  ]
  const deltas = events.filter(({ __typename }) => __typename === 'ReplyDelta')
  const placed = deltas.reduce((text, { offset, text: added }) => text.slice(0, offset) + added, '')
  if (placed !== (message?.content ?? '')) problems.push(`the deltas say ${JSON.stringify(placed)}`)
  if (stored && !isDeepStrictEqual(stored, message)) problems.push(`stored is ${JSON.stringify(stored)}`)
  if (expected.withinMs && took < expected.withinMs[0]) problems.push(`it took ${took} ms`)
  return problems
}

function judgeEnd(end: SentEvent | undefined, message: ReadMessage | undefined, expected: CaseExpectation): string[] {
  const calls = callsOf(message)
  const reasoning = message?.parts.flatMap((part) => (part.__typename === 'ReasoningPart' ? [part.text] : [])).join('')
  const codes = expected.code === undefined ? undefined : [expected.code].flat()
  return [
    ...(expected.end && end?.__typename !== `Reply${expected.end}` ? [`the end is ${JSON.stringify(end)}`] : []),
    ...differs('content', message?.content, expected.content),
    ...judgeUnknown(message, expected.unknown ?? []),
    ...differs('partial', end?.partial?.content, expected.partial),
    ...differs('finishReason', message?.finishReason, expected.finishReason),
    ...differs('reasoning', reasoning, expected.reasoning),
    ...differs('retryable', end?.retryable, expected.retryable),
    ...(codes && !codes.includes(end?.code ?? '') ? [`the code is ${end?.code} and not ${codes}`] : []),
    ...(expected.detail ?? []).flatMap((text) =>
      end?.detail?.includes(text) ? [] : [`the detail ${JSON.stringify(end?.detail)} lacks ${text}`],
    ),
    ...(expected.calls && (calls.length !== expected.calls.length || !holds(calls, expected.calls))
      ? [`the calls are ${JSON.stringify(calls)}`]
      : []),
    ...(expected.usage && !holds(message?.usage, expected.usage) ? [`usage ${JSON.stringify(message?.usage)}`] : []),
    ...(new Set(calls.map(({ id }) => id)).size < calls.length ? ['two calls have one id'] : []),
  ]
}

function judgeUnknown(message: ReadMessage | undefined, expected: readonly string[]): string[] {
  const parts = message?.parts.filter((part) => part.__typename === 'DataPart') ?? []
  const all = JSON.stringify(parts.map(({ data }) => data))
  const isRight = parts.length > 0 === expected.length > 0 && expected.every((text) => all.includes(quote(text)))
  return isRight ? [] : [`not understood was ${all}`]
}

function callsOf(message: ReadMessage | undefined) {
  const parts = message?.parts.filter((part) => part.__typename === 'ToolCallPart') ?? []
  return parts.map(({ toolCallId, toolName, arguments: text }) => ({ id: toolCallId, name: toolName, arguments: text }))
}

function judgeQuestion(messages: readonly SentMessage[], question: CaseQuestion): string[] {
  const problems: string[] = []
  const all = JSON.stringify(messages)
  const roles = messages.map(({ role }) => role)
  if (question.roles && !isDeepStrictEqual(roles, question.roles)) problems.push(`the roles are ${roles}`)
  for (const text of question.includes ?? []) if (!all.includes(quote(text))) problems.push(`not asked: ${text}`)
  for (const text of question.excludes ?? []) if (all.includes(quote(text))) problems.push(`asked: ${text}`)
  if (question.pairs && !isPaired(messages)) problems.push(`calls and results are no pairs: ${all}`)
  if (question.at === undefined) {
    const { has, content, contains } = question
    return (has ?? content ?? contains) ? [...problems, 'the case does not say which message it means'] : problems
  }
  const message = messages.at(question.at)
  const content = String(message?.content ?? '').trim()
  if (question.has !== undefined && !holds(message, question.has)) problems.push(`asked ${JSON.stringify(message)}`)
  problems.push(...differs('asked content', content, question.content?.trim()))
  for (const text of question.contains ?? []) if (!content.includes(text)) problems.push(`asked ${content}`)
  return problems
}

function judgeHistory(messages: readonly ReadMessage[], expected: NonNullable<CaseStep['history']>): string[] {
  return expected.flatMap(({ count, at, role, content, calls, signed }) => {
    const message = at === undefined ? undefined : messages[at]
    const metadata = JSON.stringify(message?.parts.map((part) => part.providerMetadata))
    return [
      ...differs('stored messages', messages.length, count),
      ...differs('stored role', message?.role, role),
      ...differs('stored content', message?.content, content),
      ...(calls &&
      !isDeepStrictEqual(
        callsOf(message).map(({ id }) => id),
        calls,
      )
        ? ['other stored calls']
        : []),
      ...(signed && !metadata?.includes(signed) ? [`stored metadata is ${metadata}`] : []),
    ]
  })
}

function differs(what: string, given: unknown, expected: unknown): string[] {
  if (expected === undefined) return []
  const isRange = what === 'requests' && Array.isArray(expected)
  const fits = isRange
    ? Number(given) >= Number(expected[0]) && Number(given) <= Number(expected[1])
    : isDeepStrictEqual(given, expected)
  return fits ? [] : [`${what}: ${JSON.stringify(given)} and not ${JSON.stringify(expected)}`]
}

/** Objects by the fields that are given, lists whole. */
function holds(given: unknown, expected: unknown): boolean {
  if (Array.isArray(expected)) {
    return (
      Array.isArray(given) && given.length === expected.length && expected.every((item, i) => holds(given[i], item))
    )
  }
  if (typeof expected !== 'object' || expected === null) return given === expected
  return Object.entries(expected).every(([key, value]) => holds((given as Record<string, unknown>)?.[key], value))
}

function quote(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

async function* streamOf({ client, played }: CaseWorld, conversationId: string, given: Record<string, unknown>) {
  const model = typeof given.model === 'string' && { model: played.modelNamed(given.model) }
  const input = { conversationId, clientMessageId: randomUUID(), ...given, ...model }
  for await (const { data, errors } of client.streamBySse<{ sendMessage: SentEvent }, object>(SEND as never, {
    input,
  })) {
    if (errors) throw new Error(JSON.stringify(errors))
    yield data.sendMessage
  }
}

async function stopBeforeFirstWord(world: CaseWorld, conversationId: string, given: Record<string, unknown>) {
  const asked = world.played.requests
  for await (const event of streamOf(world, conversationId, given)) {
    if (event.__typename !== 'ReplyStarted') continue
    await world.played.untilAsked(asked + 1)
    await request(world, CANCEL, { id: event.replyId })
  }
}

async function append(world: CaseWorld, conversationId: string, messages: Record<string, unknown>[]) {
  await request(world, APPEND, { input: { conversationId, messages } })
}

/** One message with a result for each call of the newest answer. */
async function appendResults(world: CaseWorld, conversationId: string, results: string[]) {
  const calls = callsOf((await readMessages(world, conversationId)).at(-1))
  const parts = results.map((output, index) => ({ toolResult: { toolCallId: calls[index]?.id, output } }))
  await append(world, conversationId, [{ role: 'TOOL', parts }])
}

async function readMessages(world: CaseWorld, id: string): Promise<ReadMessage[]> {
  return (await request<{ messages: { nodes: ReadMessage[] } }>(world, READ, { id })).messages.nodes
}

/** The one field of an answer that has no errors. */
async function request<T>({ client }: CaseWorld, query: string, variables: object): Promise<T> {
  const { data, errors } = await client.post({ query, variables })
  const [field] = Object.values((data ?? {}) as Record<string, T & { code?: string }>)
  if (errors || field === undefined || field?.code) throw new Error(JSON.stringify({ errors, data }))
  return field
}
