import { positionAfter } from '../../src/memory/append/position-after.ts'
import type { Context } from '../../src/memory/context.ts'
import { ROOT_BRANCH } from '../../src/memory/conversation.ts'
import { contentOf, type Message } from '../../src/memory/message.ts'
import type { MemoryNode } from './memory-node.ts'

export const OWNER = 'ann'

export interface StoredConversation {
  conversationId: string
  /** Oldest first, as a plain list: the model that every answer is held against. */
  messages: Message[]
}

const BATCH_LENGTH = 250

/** A new conversation that says nothing yet. */
export async function startConversation({ memory }: Pick<MemoryNode, 'memory'>): Promise<string> {
  return (await memory.createConversation(OWNER, {}, 'FAIL')).conversation.id
}

/**
 * A conversation as it lies in history: of `length` messages of `tokens` each, put there without the
 * cache, the head's hint `hintLag` messages behind.
 */
export async function storeConversation(
  { memory, history }: Pick<MemoryNode, 'memory' | 'history'>,
  { length, tokens = 50, hintLag = 0 }: { length: number; tokens?: number; hintLag?: number },
): Promise<StoredConversation> {
  const { conversation } = await memory.createConversation(OWNER, {}, 'FAIL')
  const drafts = Array.from({ length }, (_, index) => ({
    tokens,
    draft: {
      role: index % 2 ? ('ASSISTANT' as const) : ('USER' as const),
      status: 'COMPLETE' as const,
      parts: [{ type: 'text' as const, text: `message ${index + 1}` }],
      createdAt: 1_700_000_000_000 + index,
    },
  }))
  const messages = positionAfter(conversation.id, ROOT_BRANCH, { sequence: 0, tokens: 0 }, drafts)
  for (let begin = 0; begin < length; begin += BATCH_LENGTH) {
    await history.insertMessages(messages.slice(begin, begin + BATCH_LENGTH))
  }
  const hinted = length - hintLag
  const head = { sequence: hinted, tokens: hinted * tokens }
  await history.raiseHead(conversation.id, ROOT_BRANCH, head, conversation.createdAt)
  return { conversationId: conversation.id, messages }
}

export function contextRequest(conversationId: string, maxTokens: number) {
  return { ownerId: OWNER, conversationId, maxTokens, startOn: 'ANY', anchor: 0, consistency: 'EVENTUAL' } as const
}

/** The context of a budget; a request's error is thrown. */
export async function readContext(
  { memory }: Pick<MemoryNode, 'memory'>,
  conversationId: string,
  maxTokens: number,
  consistency: 'EVENTUAL' | 'STRONG' = 'EVENTUAL',
): Promise<Context> {
  const [context] = await memory.readContexts([{ ...contextRequest(conversationId, maxTokens), consistency }])
  if (context === undefined || context instanceof Error) throw context ?? new Error('No answer')
  return context
}

/** What a budget holds of a plain list: its newest messages, one by one for as long as they fit. */
export function newestWithin(messages: readonly Message[], maxTokens: number): Message[] {
  let rest = maxTokens
  let begin = messages.length
  for (const message of messages.toReversed()) {
    if (message.tokens > rest) break
    rest -= message.tokens
    begin -= 1
  }
  return messages.slice(begin)
}

export function textOf({ parts }: Message): string {
  return contentOf(parts)
}
