import { positionAfter } from './append/position-after.ts'
import type { Context, ContextRequest, ContextSource } from './context.ts'
import type { Message, MessageDraft } from './message.ts'
import type { Path } from './read/path.ts'
import { cutWindow } from './read/window.ts'

/*
 * What a prompt is made of, once its path is read (Memory.readPrompt): functions of positions, without a store.
 */

/** The path with a message behind it, as both are when it is stored there; `tokens` is what it costs in a prompt. */
export function withNewest(
  { conversation, branch, path }: { conversation: { id: string }; branch: string; path: Path },
  draft: MessageDraft,
  tokens: number,
): { message: Message; path: Path } {
  const [message] = positionAfter(conversation.id, branch, path.head, [{ draft, tokens }])
  if (message === undefined) throw new TypeError('A draft without a message')
  const { sequence, tokenStart } = message
  const withMessage = {
    ...path,
    messages: [...path.messages, message],
    head: { sequence, tokens: tokenStart + tokens },
    historyFrom: path.historyFrom === path.head.sequence + 1 ? sequence + 1 : path.historyFrom,
  }
  return { message, path: withMessage }
}

/** The window of a path, with its report. */
export function contextOf(request: Omit<ContextRequest, 'ownerId' | 'consistency'>, path: Path): Context {
  const { entries: messages, ...report } = cutWindow(path.messages, path.head, request)
  return {
    conversationId: request.conversationId,
    messages,
    maxTokens: request.maxTokens,
    tokensExact: messages.every(isPlainText),
    source: sourceOf(path, messages),
    ...report,
  }
}

function isPlainText({ parts }: Message): boolean {
  return parts.every(({ type }) => type === 'text')
}

/** Where the window's messages came from; for an empty window, what said that it is empty. */
function sourceOf({ conversation, cachedFrom, historyFrom }: Path, messages: readonly Message[]): ContextSource {
  const [oldest] = messages
  if (oldest === undefined) return conversation === undefined ? 'CACHE' : 'HISTORY'
  const first = oldest.sequence
  const last = first + messages.length - 1
  if (first >= cachedFrom && last < historyFrom) return 'CACHE'
  return first >= historyFrom || last < cachedFrom ? 'HISTORY' : 'CACHE_AND_HISTORY'
}
