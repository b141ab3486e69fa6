import { GraphQLSchema } from 'graphql'
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

const DESCRIPTION = `Backscroll remembers conversations between people and language models, and streams the replies.

- \`recentContext\` returns the newest messages of a conversation that fit a token budget, ready to be sent to a model.
- \`sendMessage\` stores a message, calls the model with that context and streams the answer; \`reply\` streams it again, from any place.
- \`appendMessages\` stores messages without a model, \`conversationEvents\` keeps every tab and device up to date.
- Ids and cursors are opaque. What is sent again under the same \`clientMessageId\` is stored once, so everything may be retried; once its message is redacted, any content counts as the same.
- Select \`__typename\` and ignore members of interfaces, unions and enums that you do not know: there will be more.`

/** The GraphQL schema: what the files of this folder added to the builder. */
export function createSchema(): GraphQLSchema {
  // Pothos has no option for the description of the schema itself.
  return new GraphQLSchema({ ...builder.toSchema().toConfig(), description: DESCRIPTION })
}
