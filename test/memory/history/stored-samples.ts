import type { Conversation } from '../../../src/memory/conversation.ts'
import { createConversationId, messageId } from '../../../src/memory/ids.ts'
import type { Message } from '../../../src/memory/message.ts'

export const TIME = Date.UTC(2026, 0, 1)

/** A conversation of `ann` with nothing optional, but for what is given. */
export function sampleConversation(given: Partial<Conversation> = {}): Conversation {
  return {
    id: createConversationId(),
    ownerId: 'ann',
    encoding: 'o200k_base',
    branches: [],
    activeBranch: '0',
    branchEpoch: 0,
    selectedEpochs: {},
    heads: {},
    createdAt: TIME,
    lastMessageAt: TIME,
    ...given,
  }
}

/** A message of ten tokens at a place, as if all before it had ten tokens. */
export function sampleMessage(conversationId: string, sequence: number, given: Partial<Message> = {}): Message {
  const branch = given.branch ?? '0'
  return {
    id: messageId(conversationId, branch, sequence),
    conversationId,
    branch,
    sequence,
    tokens: 10,
    tokenStart: (sequence - 1) * 10,
    role: 'USER',
    status: 'COMPLETE',
    parts: [{ type: 'text', text: `message ${sequence}` }],
    createdAt: TIME + sequence,
    ...given,
  }
}

/** The messages `first` to `last`, both included. */
export function sampleMessages(conversationId: string, first: number, last: number): Message[] {
  return Array.from({ length: last - first + 1 }, (_, index) => sampleMessage(conversationId, first + index))
}
