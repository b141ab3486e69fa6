import type { GraphQLSchema } from 'graphql'
import './message/append-messages.ts'
import { builder } from './builder.ts'
import './context/conversation-context.ts'
import './conversation/conversation-event.ts'
import './message/conversation-messages.ts'
import './conversation/conversations.ts'
import './conversation/create-conversation.ts'
import './conversation/delete-conversation.ts'
import './node.ts'
import './message/redact-message.ts'
import './reply/reply.ts'
import './result-errors.ts'
import './message/select-version.ts'
import './reply/send-message.ts'
import './conversation/update-conversation.ts'
import './message/update-message.ts'

/** The GraphQL schema: what the files of this folder added to the builder. */
export function createSchema(): GraphQLSchema {
  return builder.toSchema()
}
