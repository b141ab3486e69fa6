import { describe, expect, test } from 'vitest'
import { graphql } from '../generated/gql.ts'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import type { GraphqlClient } from '../support/graphql-client.ts'
import { startTestServer } from '../support/test-server.ts'

const messages = graphql(`
  query Messages($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    conversation(id: $id) {
      messages(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor node { content } }
        nodes { content }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  }
`)

const conversations = graphql(`
  query Conversations($first: Int, $after: String, $last: Int, $before: String, $archived: Boolean) {
    conversations(first: $first, after: $after, last: $last, before: $before, archived: $archived) {
      edges { cursor node { id } }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
`)

const archive = graphql(`
  mutation Archive($id: ID!) {
    updateConversation(input: { id: $id, archived: true }) { __typename }
  }
`)

interface PageArguments {
  first?: number
  after?: string
  last?: number
  before?: string
}

async function startPaging(count: number) {
  const { client } = await startTestServer()
  const id = await startConversation(client)
  if (count > 0) await appendTexts(client, id, ...Array.from({ length: count }, (_, index) => `m${index + 1}`))
  return async (page: PageArguments) => {
    const { conversation } = await client.get(messages, { id, ...page })
    const { edges, nodes, pageInfo } = conversation?.messages ?? { edges: [], nodes: [], pageInfo: undefined }
    expect(nodes).toEqual(edges.map((edge) => edge.node))
    return { contents: edges.map((edge) => edge.node.content), cursors: edges.map(({ cursor }) => cursor), pageInfo }
  }
}

describe('the messages of a conversation', () => {
  test('come in pages forwards until the last', async () => {
    const page = await startPaging(5)
    const first = await page({ first: 2 })
    expect(first.contents).toEqual(['m1', 'm2'])
    expect(first.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: first.cursors[0],
      endCursor: first.cursors[1],
    })
    const last = await page({ first: 3, after: first.cursors[1] as string })
    expect(last.contents).toEqual(['m3', 'm4', 'm5'])
    expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
  })

  test('come in pages backwards until the first, oldest first in each', async () => {
    const page = await startPaging(5)
    const newest = await page({ last: 2 })
    expect(newest.contents).toEqual(['m4', 'm5'])
    expect(newest.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
    const oldest = await page({ last: 3, before: newest.cursors[0] as string })
    expect(oldest.contents).toEqual(['m1', 'm2', 'm3'])
    expect(oldest.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
  })

  test.each(['first', 'last'] as const)(
    'are fewer in a page where they are long, and none is lost: %s',
    async (size) => {
      // An eighth of an answer is for the texts of a page: 10,000 characters.
      const { client } = await startTestServer(undefined, { server: { maxAnswerBytes: 80_000 } })
      const id = await startConversation(client)
      const lengths = [4_000, 4_000, 4_000, 9_000, 12_000, 12_000, 10, 10, 9_000, 900]
      for (const [index, length] of lengths.entries()) await appendTexts(client, id, `${index}${'x'.repeat(length)}`)
      const pages: number[][] = []
      let cursor: string | null | undefined
      let hasMore = true
      while (hasMore) {
        const range = size === 'first' ? { after: cursor } : { before: cursor }
        const { conversation } = await client.get(messages, { id, [size]: 5, ...range })
        const { edges = [], pageInfo } = conversation?.messages ?? {}
        pages.push(edges.map(({ node }) => Number(node.content[0])))
        hasMore = (size === 'first' ? pageInfo?.hasNextPage : pageInfo?.hasPreviousPage) === true
        cursor = size === 'first' ? pageInfo?.endCursor : pageInfo?.startCursor
      }
      expect(pages).toEqual(
        size === 'first' ? [[0, 1], [2], [3], [4], [5], [6, 7, 8, 9]] : [[6, 7, 8, 9], [5], [4], [3], [1, 2], [0]],
      )
    },
  )

  test('between two cursors are cut from the end that is asked for', async () => {
    const page = await startPaging(6)
    const all = (await page({})).cursors
    const between = { after: all[0] as string, before: all[5] as string }
    expect((await page({ ...between, first: 2 })).contents).toEqual(['m2', 'm3'])
    expect((await page({ ...between, last: 2 })).contents).toEqual(['m4', 'm5'])
    expect((await page(between)).contents).toEqual(['m2', 'm3', 'm4', 'm5'])
  })

  test('past the end have no cursors and no next page', async () => {
    const page = await startPaging(2)
    const end = (await page({})).cursors[1] as string
    const past = await page({ first: 2, after: end })
    expect(past.contents).toEqual([])
    expect(past.pageInfo).toEqual({ hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null })
  })

  test('before the beginning have no cursors and no previous page', async () => {
    const page = await startPaging(2)
    const begin = (await page({})).cursors[0] as string
    const before = await page({ last: 2, before: begin })
    expect(before.contents).toEqual([])
    expect(before.pageInfo).toEqual({ hasNextPage: true, hasPreviousPage: false, startCursor: null, endCursor: null })
  })

  test('none are asked for with zero, which still says whether there are any', async () => {
    const page = await startPaging(1)
    const none = { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null }
    expect(await page({ first: 0 })).toMatchObject({ contents: [], pageInfo: { ...none, hasNextPage: true } })
    expect(await page({ last: 0 })).toMatchObject({ contents: [], pageInfo: { ...none, hasPreviousPage: true } })
    const empty = await startPaging(0)
    expect(await empty({ first: 0 })).toMatchObject({ contents: [], pageInfo: none })
    expect(await empty({})).toMatchObject({ contents: [], pageInfo: none })
  })

  test('are twenty when no number is given', async () => {
    const page = await startPaging(21)
    expect(await page({})).toMatchObject({ contents: { length: 20 }, pageInfo: { hasNextPage: true } })
  })

  test.each([
    ['first', { first: -1 }],
    ['first', { first: 101 }],
    ['last', { last: -1 }],
    ['last', { last: 101 }],
    ['last', { first: 1, last: 1 }],
    ['after', { after: 'garbage' }],
    ['after', { after: '' }],
    ['after', { after: cursorOf('message 0') }],
    ['after', { after: cursorOf('message 1e3') }],
    ['after', { after: `${cursorOf('message 1')}=` }],
    ['before', { before: cursorOf('conversation 1 conv_x') }],
    ['before', { before: '💥' }],
  ])('%s is refused when it is wrong (%#)', async (field, page) => {
    const { client } = await startTestServer()
    const id = await startConversation(client)
    const { errors } = await client.execute(messages, { id, ...page })
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', field } }])
  })
})

describe('the conversations of an owner', () => {
  test('come with the newest messages first and page in both directions', async () => {
    const { client } = await startTestServer()
    const ids = await startConversations(client, 5)
    const [newest, ...older] = ids.toReversed()
    const first = (await client.get(conversations, { first: 2 })).conversations
    expect(first.edges.map(({ node }) => node.id)).toEqual([newest, older[0]])
    expect(first.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false })
    const rest = (await client.get(conversations, { first: 9, after: first.pageInfo.endCursor })).conversations
    expect(rest.edges.map(({ node }) => node.id)).toEqual(older.slice(1))
    expect(rest.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true })
    const back = (await client.get(conversations, { last: 1, before: rest.pageInfo.startCursor })).conversations
    expect(back.edges.map(({ node }) => node.id)).toEqual([older[0]])
    expect(back.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true })
    const oldest = (await client.get(conversations, { last: 2 })).conversations
    expect(oldest.edges.map(({ node }) => node.id)).toEqual(older.slice(-2))
    const past = (await client.get(conversations, { after: rest.pageInfo.endCursor })).conversations
    expect(past).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null },
    })
  })

  test('are listed apart when they are archived', async () => {
    const { client } = await startTestServer()
    const [kept, archived] = await startConversations(client, 2)
    await client.get(archive, { id: archived as string })
    const listed = async (isArchived: boolean) =>
      (await client.get(conversations, { archived: isArchived })).conversations.edges.map(({ node }) => node.id)
    expect(await listed(false)).toEqual([kept])
    expect(await listed(true)).toEqual([archived])
  })

  test.each([
    ['first', { first: -1 }],
    ['last', { first: 1, last: 1 }],
    ['after', { after: cursorOf('message 1') }],
    ['before', { before: cursorOf('conversation 1 conv_x') }],
  ])('%s is refused when it is wrong (%#)', async (field, page) => {
    const { client } = await startTestServer()
    const { errors } = await client.execute(conversations, page)
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', field } }])
  })
})

async function startConversations(client: GraphqlClient, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let index = 0; index < count; index++) ids.push(await startConversation(client))
  return ids
}

function cursorOf(key: string): string {
  return Buffer.from(key).toString('base64url')
}
