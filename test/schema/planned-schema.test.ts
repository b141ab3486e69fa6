import { isObjectType, type OperationDefinitionNode, parse } from 'graphql'
import { expect, test } from 'vitest'
import { eventItself } from '../../src/plans/planned-subscription.ts'
import { planQuery, type QueryPlan, selectionOf } from '../../src/plans/query-plan.ts'
import { createSchema } from '../../src/schema/schema.ts'

/** What most answers and nearly all events are made of. */
const OWN_FIELDS: Record<string, string> = {
  Message: 'id sequence role status author replyTo createdAt clientMessageId finishReason model __typename',
  RecentContext: 'tokenCount maxTokens tokensExact omittedCount omittedTokens cut source __typename',
  ReplyDelta: 'replyId cursor partIndex offset text __typename',
  ReplyHeartbeat: 'replyId cursor __typename',
}
const READ_OTHERWISE: ReadonlySet<string> = new Set(['__typename'])

test.each(Object.entries(OWN_FIELDS))('the plain fields of %s are read without a resolver', (name, fields) => {
  const schema = createSchema()
  const type = schema.getType(name)
  if (!isObjectType(type)) throw new Error(`No ${name}`)
  // A plugin that wraps resolvers gives each field one, and the fast path is off without a word.
  const slow = fields.split(' ').filter((field) => !READ_OTHERWISE.has(field) && type.getFields()[field]?.resolve)
  expect(slow).toEqual([])
})

test('every subscription gives its events as they are', () => {
  const fields = Object.values(createSchema().getSubscriptionType()?.getFields() ?? {})
  expect(fields.filter(({ resolve }) => resolve !== eventItself).map(({ name }) => name)).toEqual([])
})

test('a context is planned, and its messages are read as their own', () => {
  const schema = createSchema()
  const plan = planOf('{ recentContext(conversationId: "x") { messages { __typename id role content createdAt } } }')
  const [context] = plan.root.fields
  const type = schema.getType('Message')
  expect(context?.definition.name).toBe('recentContext')
  if (!isObjectType(type)) throw new Error('No Message')
  const nodes = context?.nodes.flatMap(({ selectionSet }) => selectionSet?.selections ?? []) ?? []
  const field = { ...context, nodes, selections: new Map() } as QueryPlan['root']['fields'][number]
  const own = selectionOf({ ...plan, schema }, field, type).fields.filter(({ isOwn }) => isOwn)
  expect(own.map(({ key }) => key)).toEqual(['id', 'role', 'createdAt'])

  function planOf(text: string): QueryPlan {
    const document = parse(text)
    const made = planQuery(schema, document, document.definitions[0] as OperationDefinitionNode)
    if (made === undefined) throw new Error('No plan')
    return made
  }
})
