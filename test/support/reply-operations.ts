import { randomUUID } from 'node:crypto'
import { graphql } from '../generated/gql.ts'
import type { SendMessageInput, SendMessageSubscription } from '../generated/graphql.ts'

export const sendMessage = graphql(`
  subscription SendMessage($input: SendMessageInput!) {
    sendMessage(input: $input) {
      __typename
      replyId
      cursor
      ... on ReplyQueued { position }
      ... on ReplyStarted { question { id content role } context { tokenCount messages { content } } model }
      ... on ReplyDelta { partIndex offset text }
      ... on ReplyPart { partIndex part { __typename ... on ToolCallPart { toolCallId toolName arguments } } }
      ... on ReplyCompleted { message { id content status finishReason replyTo } }
      ... on ReplyInterrupted { reason partial { content status } }
      ... on ReplyFailed { code detail retryable retryAfterMs partial { content status } }
      ... on ReplyRejected { code detail activeReplyId retryAfterMs }
    }
  }
`)

export const followReply = graphql(`
  subscription FollowReply($id: ID, $conversationId: ID, $after: String) {
    reply(id: $id, conversationId: $conversationId, after: $after) {
      __typename
      replyId
      cursor
      ... on ReplyStarted { question { id content role } context { tokenCount messages { content } } model }
      ... on ReplyDelta { partIndex offset text }
      ... on ReplyPart { partIndex part { __typename ... on ToolCallPart { toolCallId toolName arguments } } }
      ... on ReplyCompleted { message { id content status finishReason replyTo } }
      ... on ReplyInterrupted { reason partial { content status } }
      ... on ReplyFailed { code detail retryable retryAfterMs partial { content status } }
      ... on ReplyRejected { code detail activeReplyId retryAfterMs }
    }
  }
`)

export const startReply = graphql(`
  mutation StartReply($input: SendMessageInput!) {
    startReply(input: $input) {
      __typename
      ... on StartReplySuccess { reply { id status text cursor endedAt question { content } message { content } } }
      ... on Error { code detail }
      ... on InvalidInputError { field }
      ... on ReplyRejectedError { activeReplyId retryAfterMs }
    }
  }
`)

export const cancelReply = graphql(`
  mutation CancelReply($id: ID!) {
    cancelReply(id: $id) {
      __typename
      ... on CancelReplySuccess { reply { id status } }
      ... on Error { code detail }
    }
  }
`)

export const readReply = graphql(`
  query ReadReply($id: ID!) {
    reply(id: $id) { id status text cursor startedAt endedAt question { content } message { content status } }
    node(id: $id) { __typename id }
  }
`)

export type SentEvent = SendMessageSubscription['sendMessage']

/** A question with a client id of its own. */
export function questionInput(
  conversationId: string,
  content: string,
  more: Partial<SendMessageInput> = {},
): SendMessageInput {
  return { conversationId, content, clientMessageId: randomUUID(), ...more }
}

/** What a stream of `sendMessage` tells to its end; an error of the request is thrown. */
export async function readSent(
  stream: AsyncIterable<{ data: SendMessageSubscription; errors?: unknown }>,
): Promise<SentEvent[]> {
  const events: SentEvent[] = []
  for await (const { data, errors } of stream) {
    if (errors) throw new Error(JSON.stringify(errors))
    events.push(data.sendMessage)
  }
  return events
}

/** The text of a client that places every delta, in the order in which they came. */
export function placeSent(events: readonly { __typename: string }[], before = ''): string {
  return events.reduce((text, event) => (isDelta(event) ? text.slice(0, event.offset) + event.text : text), before)
}

function isDelta(event: { __typename: string }): event is { __typename: string; offset: number; text: string } {
  return event.__typename === 'ReplyDelta'
}
