import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isUnionType,
} from 'graphql'
import { createClient } from 'graphql-sse'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createTokens } from '../../src/access/tokens.ts'
import { createDemoModel } from '../../src/chat/model/demo-model.ts'
import { createConversationId, messageId } from '../../src/memory/ids.ts'
import { createSchema } from '../../src/schema/schema.ts'
import { startTestServer } from '../support/test-server.ts'
import { SECRET, signBySecret } from '../support/token-issuer.ts'
import { createDirectory } from '../support/transfer-stores.ts'
import { startWireNode } from '../support/wire-node.ts'
import { sharedStores } from '../support/wire-nodes.ts'

const schema = createSchema()
/** Hundreds of requests, on stores that many tests share. */
const LONG_MS = 600_000
const KINDS = ['query', 'mutation', 'subscription'] as const
/** Stands in everything that the other owner has. */
const MARK = 'of-the-other'
/** What is followed without an end: its first event says all. */
const ENDLESS = new Set(['conversationEvents'])
/** Strings that name something of an owner, or a place in it. */
const NAMING = new Set(['externalId', 'clientMessageId', 'after', 'before'])
/** Ids within a message, which are its content. */
const CONTENT = new Set(['MessagePartInput'])

/** What an owner has, by its kind. */
type Owned = Record<
  | 'conversation'
  | 'message'
  | 'version'
  | 'reply'
  | 'externalId'
  | 'clientMessageId'
  | 'page'
  | 'place'
  | 'event'
  | 'delta',
  string
>

/** What each field is asked with beside the argument that is tried: of one's own, so that nothing else is refused. */
const BESIDE: Record<string, (own: Owned, turn: string) => Record<string, unknown>> = {
  'Query.conversation': () => ({}),
  'Query.conversations': () => ({}),
  'Query.node': () => ({}),
  'Query.nodes': () => ({}),
  'Query.recentContext': () => ({}),
  'Query.reply': () => ({}),
  'Mutation.appendMessages': ({ conversation }) => ({
    input: { conversationId: conversation, messages: [{ role: 'USER', content: 'said' }] },
  }),
  'Mutation.cancelReply': () => ({}),
  'Mutation.createConversation': () => ({ input: {} }),
  'Mutation.deleteConversation': () => ({}),
  'Mutation.redactMessage': () => ({}),
  'Mutation.selectVersion': () => ({}),
  'Mutation.startReply': asked,
  'Mutation.updateConversation': () => ({ input: { title: 'changed' } }),
  'Mutation.updateMessage': () => ({ input: { metadata: { changed: true } } }),
  'Subscription.conversationEvents': ({ conversation }) => ({ conversationId: conversation }),
  'Subscription.reply': ({ reply }) => ({ id: reply }),
  'Subscription.sendMessage': asked,
  'Conversation.messages': () => ({}),
  'Conversation.recentContext': () => ({}),
}
/** Cursors that say where, and nothing of whose. */
const PLACES = new Set(['place', 'delta'])
/** Of which exactly one is given. */
const ALTERNATIVES = [
  ['id', 'conversationId'],
  ['id', 'externalId'],
  ['conversationId', 'externalId'],
  ['first', 'last'],
]

function asked({ conversation }: Owned, turn: string) {
  const input = { conversationId: conversation, content: 'asked', clientMessageId: `turn-${turn}`, onBusy: 'QUEUE' }
  return { input }
}

/** An argument, or a field of an input, that names something: where it is in the variables. */
interface Naming {
  path: string[]
  isId: boolean
  isList: boolean
}

/** A field that takes such arguments, and the type of one's own that it is a field of. */
interface Asked {
  kind: (typeof KINDS)[number]
  on: string
  field: GraphQLField<unknown, unknown>
  namings: Naming[]
}

type Client = ReturnType<typeof createClient>
interface Result {
  data?: Record<string, unknown> | null
  errors?: unknown
}

const CREATE = `mutation ($externalId: String, $title: String, $metadata: JSON) {
  createConversation(input: { externalId: $externalId, title: $title, instructions: $title, metadata: $metadata }) {
    ... on CreateConversationSuccess { conversation { id } }
  }
}`
const APPEND = `mutation ($conversation: ID!, $messages: [NewMessageInput!]!, $replaces: ID) {
  appendMessages(input: { conversationId: $conversation, messages: $messages, replaces: $replaces }) {
    ... on AppendMessagesSuccess { messages { id } }
  }
}`
const SEND = `subscription ($conversation: ID!, $content: String!, $turn: ID!) {
  sendMessage(input: { conversationId: $conversation, content: $content, clientMessageId: $turn }) { replyId cursor }
}`
const READ = `query ($conversation: ID!) {
  conversation(id: $conversation) { cursor messages(first: 1) { pageInfo { endCursor } } }
  recentContext(conversationId: $conversation) { messages { content } }
  conversations(first: 1) { pageInfo { endCursor } }
}`
const ALL = `query ($conversation: ID!, $reply: ID!) {
  conversation(id: $conversation) {
    title metadata messageCount tokenCount archivedAt expiresAt activeReply { id }
    messages(first: 100) { nodes { id content status versions metadata } }
  }
  recentContext(conversationId: $conversation) { messages { id content } }
  conversations { nodes { id } }
  reply(id: $reply) { id status text }
}`

const FIELDS = fieldsOf(schema)

test('each field that names something is asked, and what it is asked with beside is known', () => {
  const names = FIELDS.map(({ on, field }) => `${on}.${field.name}`)
  expect(names.filter((name) => !(name in BESIDE))).toEqual([])
  const roots = KINDS.flatMap((kind) =>
    Object.keys(rootOf(kind).getFields()).map((name) => `${rootOf(kind).name}.${name}`),
  )
  expect(roots.filter((name) => !names.includes(name))).toEqual([])
})

describe.each(['embedded', 'Redis and MongoDB'])('on %s stores', (stores) => {
  test.each(KINDS)(
    'another owner’s ids are as those of nobody, in every argument of every %s',
    async (of) => {
      const { own, theirs, nobody, ask, seen } = await startOwners(stores)
      const before = await seen()
      const tried = FIELDS.filter(({ kind }) => kind === of).flatMap((asking) =>
        asking.namings.flatMap((naming) => idsFor(naming).map((kind) => ({ asking, naming, kind }))),
      )
      for (const [turn, { asking, naming, kind }] of tried.entries()) {
        const name = `${asking.on}.${asking.field.name}(${naming.path.join('.')}: ${kind})`
        const [sent, none] = [theirs[kind], nobody[kind]]
        const foreign = await ask(asking, naming, sent, own, `${turn}a`)
        expect([name, leaksOf(JSON.stringify(foreign), sent, theirs)]).toEqual([name, []])
        expect(JSON.stringify(foreign)).not.toMatch(/QUERY_TOO_COMPLEX|VALIDATION|PARSE_FAILED|INTERNAL/)
        if (sent === none) continue
        const missing = await ask(asking, naming, none, own, `${turn}b`)
        expect([name, shown(asking, foreign, sent)]).toEqual([name, shown(asking, missing, none)])
      }
      expect(await seen()).toEqual(before)
    },
    LONG_MS,
  )
})

test('nothing is said of how long another owner’s message is', async () => {
  const tokens = createTokens({ secret: SECRET }, { ownerClaim: 'sub' }, Date.now)
  const { client, memory } = await startTestServer(undefined, {
    access: { tokens },
    server: { maxAnswerBytes: 10_000 },
  })
  const { conversation } = await memory.createConversation('other', {}, 'FAIL')
  const long = { role: 'USER' as const, parts: [{ type: 'text' as const, text: 'long '.repeat(5_000) }] }
  const { messages } = await memory.appendMessages('other', conversation.id, [long])
  const id = messages[0]?.id ?? ''
  const ask = async (sub: string) =>
    client.post({ query: `{ node(id: "${id}") { id } }` }, { authorization: `Bearer ${await signBySecret({ sub })}` })
  expect(await ask('other')).toMatchObject({ errors: [{ extensions: { code: 'QUERY_TOO_COMPLEX' } }] })
  expect(await ask('asker')).toEqual({ status: 200, data: { node: null } })
})

test('a message of an edit that nobody may see yet cannot be changed', async () => {
  const { memory, history } = await startTestServer()
  const { conversation } = await memory.createConversation('local', {}, 'FAIL')
  const { messages } = await memory.appendMessages('local', conversation.id, [
    { role: 'USER', parts: [{ type: 'text', text: 'hi' }] },
  ])
  const [listed] = messages
  const id = messageId(conversation.id, 'edit', 1)
  await history.insertMessages(
    messages.map((message) => ({ ...message, id, branch: 'edit' })),
    { unlistedSince: 1 },
  )
  await expect(memory.updateMessage('local', id, { seen: true })).rejects.toThrow('No message')
  expect(await memory.updateMessage('local', listed?.id ?? '', { seen: true })).toMatchObject({
    metadata: { seen: true },
  })
})

/** Fields of the roots, and of what is one's own, with the arguments that name something. */
function fieldsOf(from: GraphQLSchema): Asked[] {
  const roots = KINDS.flatMap((kind) =>
    Object.values(rootOf(kind).getFields()).map((field) => ({ kind, on: rootOf(kind).name, field })),
  )
  const nested = Object.values(from.getTypeMap()).flatMap((type) =>
    isObjectType(type) && !type.name.startsWith('__') && type.getInterfaces().some(({ name }) => name === 'Node')
      ? Object.values(type.getFields()).map((field) => ({ kind: 'query' as const, on: type.name, field }))
      : [],
  )
  const inOrder = [...roots, ...nested].sort((one, other) => KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind))
  return inOrder
    .map((one) => ({ ...one, namings: one.field.args.flatMap((argument) => namingsOf(argument, [])) }))
    .filter(({ on, namings }) => namings.length > 0 || KINDS.some((kind) => rootOf(kind).name === on))
}

function rootOf(kind: (typeof KINDS)[number]) {
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  }[kind]
  if (!root) throw new Error(`The schema has no ${kind}.`)
  return root
}

function namingsOf({ name, type }: GraphQLArgument | GraphQLInputField, above: string[]): Naming[] {
  const named = getNamedType(type)
  const isList = isListType(isNonNullType(type) ? type.ofType : type)
  const path = [...above, name]
  if (isInputObjectType(named)) {
    if (CONTENT.has(named.name)) return []
    return Object.values(named.getFields()).flatMap((field) => namingsOf(field, isList ? [...path, '0'] : path))
  }
  return named.name === 'ID' || NAMING.has(name) ? [{ path, isId: named.name === 'ID', isList }] : []
}

/** For an id also what is none. */
function idsFor({ path, isId }: Naming): readonly (keyof Owned)[] {
  if (isId) return ['conversation', 'message', 'version', 'reply', 'externalId', 'clientMessageId']
  if (path.at(-1) === 'after' || path.at(-1) === 'before') return ['page', 'place', 'event', 'delta', 'conversation']
  return ['externalId', 'clientMessageId', 'conversation']
}

/** The variables of one field, with an id in one place. */
function variablesOf({ on, field, namings }: Asked, naming: Naming, id: string, own: Owned, turn: string) {
  const beside = BESIDE[`${on}.${field.name}`]?.(own, turn) ?? {}
  const variables = structuredClone(beside)
  const last = naming.path.at(-1) ?? ''
  for (const { path } of namings) {
    const other = path.at(-1) ?? ''
    const isOther = path.length === naming.path.length && other !== last
    if (isOther && ALTERNATIVES.some((pair) => pair.includes(last) && pair.includes(other)))
      setAt(variables, path, undefined)
  }
  setAt(variables, naming.path, naming.isList ? [id] : id)
  for (const argument of field.args) {
    if (isRequiredArgument(argument) && variables[argument.name] === undefined)
      throw new Error(`What is ${on}.${field.name}(${argument.name})?`)
  }
  return variables
}

function setAt(variables: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [name = '', ...rest] = path
  if (rest.length === 0) {
    if (value === undefined) delete variables[name]
    else variables[name] = value
    return
  }
  variables[name] ??= rest[0] === '0' ? [{}] : {}
  setAt(variables[name] as Record<string, unknown>, rest, value)
}

/** A document that selects all of a field's answer, each type once. */
function documentOf({ kind, on, field }: Asked): string {
  const taken = new Set<string>()
  const args = field.args.filter(({ type }) => isAsked(type))
  const declared = args.map(({ name, type }) => `$${name}: ${type}`)
  const passed = args.length === 0 ? '' : `(${args.map(({ name }) => `${name}: $${name}`).join(', ')})`
  const selected = `${field.name}${passed}${selectionOf(getNamedType(field.type), taken, 0)}`
  const isRoot = rootOf(kind).name === on
  const own = isRoot ? '' : '$own: ID!'
  const variables = [own, ...declared].filter((text) => text !== '').join(', ')
  return `${kind}${variables === '' ? '' : ` (${variables})`} { ${isRoot ? selected : `node(id: $own) { ... on ${on} { ${selected} } }`} }`
}

function isAsked(type: GraphQLArgument['type']): boolean {
  return isInputObjectType(getNamedType(type)) || ['ID', 'String'].includes(getNamedType(type).name)
}

function selectionOf(type: GraphQLNamedType, taken: Set<string>, depth: number): string {
  if (isLeafType(type)) return ''
  if (isUnionType(type) || !isObjectType(type)) {
    const members = schema.getPossibleTypes(type as never)
    return ` { __typename ${members.map((member) => `... on ${member.name}${selectionOf(member, taken, depth)}`).join(' ')} }`
  }
  if (taken.has(type.name) || depth > 4) return ' { __typename }'
  taken.add(type.name)
  const fields = Object.values(type.getFields()).filter(({ args }) => !args.some(isRequiredArgument))
  return ` { __typename ${fields.map((field) => `${field.name}${selectionOf(getNamedType(field.type), taken, depth + 1)}`).join(' ')} }`
}

/** What of the other owner stands in an answer, but for what was sent. */
function leaksOf(answer: string, sent: string, theirs: Owned): string[] {
  const rest = answer.replaceAll(sent, '')
  return [
    MARK,
    ...Object.entries(theirs)
      .filter(([kind]) => !PLACES.has(kind))
      .map(([, id]) => id)
      .filter((id) => !sent.includes(id)),
  ].filter((word) => rest.includes(word))
}

/** An answer without what differs from one call to the next. */
function shown(asking: Asked, results: readonly Result[], sent: string): string {
  return JSON.stringify(judgedOf(asking, results))
    .replaceAll(sent, '<sent>')
    .replaceAll(sent.slice(0, 64), '<sent>')
    .replace(/"(conv|msg|rep)_\w+"/g, '"<id>"')
    .replace(/"\d{4}-\d\d-\d\dT[^"]+"/g, '"<time>"')
    .replace(/"(\w*[cC]ursor)":"[^"]*"/g, '"$1":""')
}

/** Of what goes on meanwhile only what it is. */
function judgedOf({ kind }: Asked, results: readonly Result[]): unknown {
  if (kind === 'query') return results
  return results
    .map(({ data, errors }) => {
      const [value] = Object.values(data ?? {}) as ({ __typename: string; code?: string } | undefined)[]
      return { errors, is: value?.code === undefined ? value?.__typename : value }
    })
    .filter(({ is }, index, all) => index === all.findIndex((one) => one.is === is))
}

async function startOwners(stores: string) {
  const env = stores === 'embedded' ? { DATA_DIR: await createDirectory() } : sharedStores()
  const node = await startWireNode({ ...env, AUTH_JWT_SECRET: SECRET }, createDemoModel({ delayMs: 0 }))
  onTestFinished(() => node.stop())
  const clientOf = async (sub: string) => {
    const headers = { authorization: `Bearer ${await signBySecret({ sub })}` }
    const client = createClient({ url: `${node.origin}/graphql`, headers, retryAttempts: 0 })
    onTestFinished(() => client.dispose())
    return client
  }
  const [asker, other] = await Promise.all([clientOf('asker'), clientOf('other')])
  const [own, theirs] = [await fill(asker, 'of-mine'), await fill(other, MARK)]

  async function ask(asking: Asked, naming: Naming, id: string, mine: Owned, turn: string): Promise<Result[]> {
    const variables = {
      ...variablesOf(asking, naming, id, mine, turn),
      own: mine[asking.on.toLowerCase() as keyof Owned],
    }
    return run(asker, documentOf(asking), variables, ENDLESS.has(asking.field.name))
  }

  return { own, theirs, nobody: nobodyOf(theirs), ask, seen: () => readAll(other, theirs) }
}

/** All results, or the first one. */
async function run(
  client: Client,
  query: string,
  variables: Record<string, unknown>,
  isEndless = false,
): Promise<Result[]> {
  const results: Result[] = []
  for await (const result of client.iterate({ query, variables })) {
    results.push(result as Result)
    if (isEndless) break
  }
  return results
}

/** An owner with something of every kind, all of it marked, in the caches too. */
async function fill(client: Client, mark: string): Promise<Owned> {
  const [externalId, clientMessageId] = [`external-${mark}`, `client-${mark}`]
  const content = `content ${mark}`
  const created = await run(client, CREATE, { externalId, title: `title ${mark}`, metadata: { mark } })
  const conversation = idIn(created, 'conv')
  const messages = [{ role: 'USER', content, clientMessageId, author: mark, metadata: { mark } }]
  const message = idIn(await run(client, APPEND, { conversation, messages }), 'msg')
  const edit = [{ role: 'USER', content: `version ${mark}` }]
  const version = idIn(await run(client, APPEND, { conversation, messages: edit, replaces: message }), 'msg')
  const sent = await run(client, SEND, { conversation, content, turn: `send-${mark}` })
  const [read] = await run(client, READ, { conversation })
  const cursors = [...JSON.stringify(read).matchAll(/"\w*[cC]ursor":"([^"]+)"/g)].map(([, cursor = '']) => cursor)
  const [event = '', place = '', page = ''] = cursors
  const delta = /"cursor":"([^"]+)"/.exec(JSON.stringify(sent[1]))?.[1] ?? ''
  return {
    conversation,
    message,
    version,
    reply: idIn(sent, 'rep'),
    externalId,
    clientMessageId,
    page,
    place,
    event,
    delta,
  }
}

function idIn(results: readonly Result[], kind: string): string {
  const [, id] = new RegExp(`"(${kind}_\\w+)"`).exec(JSON.stringify(results)) ?? []
  if (id === undefined) throw new Error(JSON.stringify(results))
  return id
}

/** What looks the same and names nothing; places are no secrets, and are the same for everybody. */
function nobodyOf({
  conversation,
  message,
  version,
  reply,
  externalId,
  clientMessageId,
  page,
  place,
  event,
  delta,
}: Owned): Owned {
  const none = createConversationId()
  const [own, other] = [conversation, none].map((id) => id.slice('conv_'.length))
  const renamed = (id: string) => id.replace(own ?? '', other ?? '')
  const decoded = Buffer.from(page, 'base64url').toString()
  return {
    conversation: none,
    message: renamed(message),
    version: renamed(version),
    reply: renamed(reply),
    externalId: externalId.replace(MARK, 'of-nobody'),
    clientMessageId: clientMessageId.replace(MARK, 'of-nobody'),
    page: Buffer.from(renamed(decoded)).toString('base64url'),
    place,
    event: event.replace(/[a-z]/, (letter) => (letter === 'a' ? 'b' : 'a')),
    delta,
  }
}

/** All that the other owner sees of its own. */
async function readAll(client: Client, { conversation, reply }: Owned): Promise<string> {
  const results = [await run(client, ALL, { conversation, reply })]
  const text = JSON.stringify(results)
  expect(text).toContain(`content ${MARK}`)
  return text
}
