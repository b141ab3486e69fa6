import { type Attack, postAttack, type Target } from './attacks.ts'
import {
  append,
  createConversation,
  createHeavyConversation,
  createLongConversation,
  createVersions,
  message,
} from './conversations.ts'
import { times, wordsOf } from './requests.ts'

const GROUP = 'execution'
const MB = 1_000_000
const MESSAGE_FIELDS =
  'id role content createdAt metadata status finishReason model author replyTo sequence tokenCount clientMessageId'

/** Few bytes in, much to execute or to answer. */
export const QUERY_ATTACKS: readonly Attack[] = [
  doubling(14),
  doubling(18),
  doubling(24),
  postAttack('lists-of-lists', GROUP, async (target) => {
    for (const index of times(100, Number)) await createLongConversationNamed(target, index)
    const fields = MESSAGE_FIELDS.split(' ')
    const many = [...fields, ...fields.slice(0, 7).map((field) => `more_${field}:${field}`)].join(' ')
    return {
      query: `{conversations(first:100){nodes{${aliases(20, 'messages(first:100){nodes{...M}}')}}}} ${fragment(many)}`,
    }
  }),
  postAttack('content-aliased', GROUP, (target) => oneLarge(target, 100)),
  postAttack('content-aliased-8-at-once', GROUP, (target) => oneLarge(target, 100), { times: 8 }),
  postAttack('content-aliased-of-2', GROUP, async (target) => {
    const id = await createHeavyConversation(target, 2, wordsOf(MB))
    return { query: `{conversation(id:"${id}"){messages(last:2){nodes{${aliases(100, 'content')}}}}}` }
  }),
  postAttack('introspection-aliased', GROUP, () => ({
    query: `{${aliases(60, '__schema{...S}')}} fragment S on __Schema{types{fields{${aliases(20, 'description')}}}}`,
  })),
  postAttack('deep-tool-call', GROUP, async (target) => {
    const id = await createConversation(target)
    // Only an object is sent on as it is.
    const args = `{"a":${'['.repeat(90_000)}${']'.repeat(90_000)}}`
    const parts = [{ toolCall: { toolCallId: 'call', toolName: 'tool', arguments: args } }]
    await append(target, id, [{ role: 'ASSISTANT', parts }])
    return { query: `{recentContext(conversationId:"${id}",maxTokens:200000){${aliases(100, 'chatMessages')}}}` }
  }),
  postAttack('long-id-repeated', GROUP, () => ({
    query: `mutation($id:ID!){${aliases(40, 'cancelReply(id:$id){...on NotFoundError{detail}}')}}`,
    variables: { id: 'x'.repeat(4 * MB) },
  })),
  postAttack('versions-aliased', GROUP, async (target) => {
    const ids = (await createVersions(target, 400)).slice(0, 100)
    const query = `query($ids:[ID!]!){nodes(ids:$ids){...on Message{${aliases(20, 'versions')}}}}`
    return { query, variables: { ids } }
  }),
  postAttack('plain-window', GROUP, (target) => window(target, 'messages{id}')),
  postAttack('plain-window-versions', GROUP, (target) => window(target, 'messages{versions}')),
  postAttack('plain-window-ten-fields', GROUP, (target) =>
    window(target, `messages{${MESSAGE_FIELDS.split(' ').slice(0, 10).join(' ')}}`),
  ),
  postAttack('plain-page-of-1-mb', GROUP, (target) => pageOfLong(target, 60)),
  postAttack('pages-of-1-mb-100-at-once', GROUP, (target) => pageOfLong(target, 20), { times: 100 }),
  postAttack('nodes-of-1-mb', GROUP, async (target) => {
    const conversation = await createConversation(target)
    const ids: string[] = []
    for (let count = 0; count < 100; count++) ids.push(...(await append(target, conversation, [message(wordsOf(MB))])))
    return { query: 'query($ids:[ID!]!){nodes(ids:$ids){...on Message{content}}}', variables: { ids } }
  }),
  postAttack(
    'heavy-queries-100-at-once',
    GROUP,
    async (target) => {
      const id = await createLongConversation(target, 10_000)
      return { query: `{recentContext(conversationId:"${id}",maxTokens:100000){messages{${MESSAGE_FIELDS}}}}` }
    },
    { times: 100 },
  ),
  postAttack('window-of-metadata', GROUP, async (target) => {
    const id = await createConversation(target)
    const value = 'm'.repeat(512)
    const metadata = Object.fromEntries(times(16, (key) => [`k${key}`, value]))
    for (let batch = 0; batch < 25; batch++) {
      await append(
        target,
        id,
        times(400, () => ({ ...message('x'), metadata })),
      )
    }
    return { query: `{recentContext(conversationId:"${id}",maxTokens:200000){messages{id}}}` }
  }),
  postAttack('ids-of-1-mb', GROUP, async (target) => {
    const id = await createHeavyConversation(target, 100, wordsOf(MB))
    return { query: `{conversation(id:"${id}"){messages(last:100){nodes{id}}}}` }
  }),
]

/** Fragments that select the next one twice. */
function doubling(depth: number): Attack {
  return postAttack(`doubling-${depth}`, GROUP, async (target) => {
    const id = await createConversation(target)
    const inner = (next: number) => `recentContext(maxTokens:9){conversation{...F${next}}}`
    const fragments = times(depth, (at) => `fragment F${at} on Conversation{a:${inner(at + 1)} b:${inner(at + 1)}}`)
    const last = `fragment F${depth} on Conversation{id}`
    const query = `{recentContext(conversationId:"${id}",maxTokens:9){conversation{...F0}}}${fragments.join('')}${last}`
    return { query }
  })
}

async function createLongConversationNamed(target: Target, index: number): Promise<void> {
  const id = await createConversation(target, `conversation ${index}`)
  await append(
    target,
    id,
    times(100, (at) => ({ role: 'USER', content: `message ${at}` })),
  )
}

async function oneLarge(target: Target, count: number) {
  const id = await createHeavyConversation(target, 1, wordsOf(MB))
  return { query: `{conversation(id:"${id}"){messages(last:1){nodes{${aliases(count, 'content')}}}}}` }
}

async function pageOfLong(target: Target, count: number) {
  const id = await createHeavyConversation(target, count, wordsOf(MB))
  return { query: `{conversation(id:"${id}"){messages(last:60){nodes{content}}}}` }
}

async function window(target: Target, fields: string) {
  const id = await createLongConversation(target, 50_000)
  return { query: `{recentContext(conversationId:"${id}",maxTokens:200000){${fields}}}` }
}

function fragment(fields: string): string {
  return `fragment M on Message{${fields}}`
}

function aliases(count: number, field: string): string {
  return times(count, (index) => `a${index}:${field}`).join(' ')
}
