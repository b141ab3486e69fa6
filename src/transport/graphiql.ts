import type { GraphiQLOptions } from 'graphql-yoga'

const MEMORY_TAB = `# Backscroll remembers conversations. First make one and say something:
mutation Start {
  createConversation(input: { title: "First steps" }) {
    ... on CreateConversationSuccess { conversation { id } }
    ... on Error { code detail }
  }
}

# Then put its id into the variables, as {"id": "conv_…"}:
mutation Say($id: ID!) {
  appendMessages(input: { conversationId: $id, messages: [{ role: USER, content: "Hello!" }] }) {
    ... on AppendMessagesSuccess { messages { sequence tokenCount } }
    ... on Error { code detail }
  }
}

# The newest messages that fit a token budget, with the report of what was left out:
query Recent($id: ID!) {
  recentContext(conversationId: $id, maxTokens: 3000) {
    tokenCount omittedCount cut source
    messages { role content tokenCount }
    chatMessages
  }
}

# What happens in it from now on:
subscription Follow($id: ID!) {
  conversationEvents(conversationId: $id) {
    cursor
    ... on MessageAppended { message { role content } }
    ... on ReplyBegan { reply { id } }
    ... on ReplyEnded { reply { id state } }
  }
}
`

const REPLY_TAB = `# Ask a model, and watch the answer being written.
subscription Ask {
  sendMessage(
    input: {
      # An unknown one makes the conversation.
      externalId: "first-steps"
      # The same one joins the same reply: take another for another question.
      clientMessageId: "question-1"
      content: "What do you know of me?"
    }
  ) {
    replyId
    cursor
    ... on ReplyStarted {
      model
      context { tokenCount omittedCount cut source }
    }
    ... on ReplyDelta { offset text }
    ... on ReplyCompleted {
      message { content tokenCount }
    }
    ... on ReplyInterrupted { reason }
    ... on ReplyFailed { code detail retryable }
    ... on ReplyRejected { code detail activeReplyId }
  }
}

# The reply that is being written in it, if any:
query Now {
  conversation(externalId: "first-steps") {
    messageCount
    activeReply { id state text cursor }
  }
}
`

/** The page at /graphql, with two tabs to begin with: one stores and reads messages, one calls a model. */
export const GRAPHIQL: GraphiQLOptions = {
  title: 'Backscroll',
  subscriptionsProtocol: 'WS',
  defaultQuery: MEMORY_TAB,
  defaultTabs: [{ query: REPLY_TAB }, { query: MEMORY_TAB }],
}
