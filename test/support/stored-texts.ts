import { graphql } from '../generated/gql.ts'
import type { GraphqlClient } from './graphql-client.ts'

const storedMessages = graphql(`
  query StoredMessages($id: ID!) {
    conversation(id: $id) { messages(last: 100) { nodes { content } } }
  }
`)

/** What is stored in a conversation, oldest first. */
export async function storedTexts(client: GraphqlClient, id: string): Promise<string[]> {
  const { conversation } = await client.get(storedMessages, { id })
  return conversation?.messages.nodes.map(({ content }) => content) ?? []
}
