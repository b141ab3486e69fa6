import { BadUserInputError } from '../../errors.ts'
import { MAX_POSITION } from '../cache/cache.ts'
import { messageId } from '../ids.ts'
import type { Head, Message, MessageDraft } from '../message.ts'

/** A draft with what it costs in a prompt. */
export interface CountedDraft {
  draft: MessageDraft
  tokens: number
}

/**
 * The messages as they stand on a branch when each follows the one before, the first one the head. Throws
 * BadUserInputError where a position would be larger than any that can be read again.
 */
export function positionAfter(
  conversationId: string,
  branch: string,
  head: Head,
  drafts: readonly CountedDraft[],
): Message[] {
  let { sequence, tokens: tokenStart } = head
  return drafts.map(({ draft, tokens }) => {
    sequence += 1
    const position = { branch, sequence, tokens, tokenStart }
    tokenStart += tokens
    if (tokenStart > MAX_POSITION || sequence > MAX_POSITION) {
      throw new BadUserInputError('messages', `within a conversation of ${MAX_POSITION} tokens`, String(tokenStart))
    }
    return { ...draft, ...position, id: messageId(conversationId, branch, sequence), conversationId }
  })
}
