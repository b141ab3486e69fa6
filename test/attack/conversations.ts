import type { Target } from './attacks.ts'
import { times } from './requests.ts'

const APPEND = `mutation ($input: AppendMessagesInput!) {
  appendMessages(input: $input) { ... on AppendMessagesSuccess { messages { id } } ... on Error { detail } }
}`
const BATCH = 1_000

/** A new conversation; its id. */
export async function createConversation({ ask }: Target, title = 'a conversation'): Promise<string> {
  const { createConversation: created } = await ask<{ createConversation: { conversation: { id: string } } }>(
    `mutation ($input: CreateConversationInput!) {
      createConversation(input: $input) { ... on CreateConversationSuccess { conversation { id } } }
    }`,
    { input: { title } },
  )
  return created.conversation.id
}

/** Appends messages in one call; their ids. */
export async function append({ ask }: Target, conversationId: string, messages: readonly object[], replaces?: string) {
  const data = await ask<{ appendMessages: { messages?: { id: string }[] } }>(APPEND, {
    input: { conversationId, messages, replaces },
  })
  const { messages: stored } = data.appendMessages
  if (stored === undefined) throw new Error(JSON.stringify(data))
  return stored.map(({ id }) => id)
}

/** A new conversation with so many short messages. */
export async function createLongConversation(target: Target, count: number): Promise<string> {
  const id = await createConversation(target)
  for (let from = 0; from < count; from += BATCH) {
    await append(
      target,
      id,
      times(Math.min(BATCH, count - from), (index) => message(`message ${from + index}`)),
    )
  }
  return id
}

/** A new conversation with so many messages of one content, each appended by itself. */
export async function createHeavyConversation(target: Target, count: number, content: string): Promise<string> {
  const id = await createConversation(target)
  for (let index = 0; index < count; index++) await append(target, id, [message(content)])
  return id
}

/** The versions of one message: so many ids. */
export async function createVersions(target: Target, count: number): Promise<string[]> {
  const conversation = await createConversation(target)
  const [first = ''] = await append(target, conversation, [message('version 0')])
  const versions = [first]
  while (versions.length < count) {
    versions.push(...(await append(target, conversation, [message(`version ${versions.length}`)], first)))
  }
  return versions
}

export function message(content: string) {
  return { role: 'USER', content }
}
