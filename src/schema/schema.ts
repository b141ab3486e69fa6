import type { GraphQLSchema } from 'graphql'
import './append-messages.ts'
import { builder } from './builder.ts'
import './conversation-context.ts'
import './conversation-event.ts'
import './conversation-messages.ts'
import './conversations.ts'
import './create-conversation.ts'
import './delete-conversation.ts'
import './node.ts'
import './redact-message.ts'
import './reply.ts'
import './result-errors.ts'
import './select-version.ts'
import './send-message.ts'
import './update-conversation.ts'
import './update-message.ts'

/** The GraphQL schema: what the files of this folder added to the builder. */
export function createSchema(): GraphQLSchema {
  return builder.toSchema()
}
