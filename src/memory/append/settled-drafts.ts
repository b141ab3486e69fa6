import type { Conversation } from '../conversation.ts'
import type { History } from '../history/history.ts'
import type { Message, MessageDraft } from '../message.ts'
import { findConversation } from '../read/path-reader.ts'
import { isListed } from '../versions/branches.ts'
import { findReplayedDrafts } from './replayed-drafts.ts'

/** The first wait for an edit under way, which doubles up to the last: 1.3 s in all. Listing a branch takes one write. */
const FIRST_WAIT_MS = 20
const LAST_WAIT_MS = 640

/** What is stored of drafts, and the conversation as it was read behind that, if it had to be. */
export interface SettledDrafts {
  replayed: Map<MessageDraft, Message>
  /** Whether ids that were in use became free. */
  isFreed: boolean
  conversation?: Conversation
}

/**
 * The drafts that are stored already where they can be read, or where `isOwn` says that the caller lists them. What lies
 * on another unlisted branch belongs to an edit that nobody was told of: one under way is waited for, and one that is
 * not listed by then, be it left or slow, is removed, after which it can be sent again and its id is free (protocol A3).
 * Rejects with ClientMessageIdConflictError where a client's id is stored with other content, and with NotFoundError.
 */
export async function findSettledDrafts(
  history: Pick<History, 'findConversations' | 'findByIdempotencyKeys' | 'removeUnlistedBranch'>,
  { ownerId, id }: Pick<Conversation, 'ownerId' | 'id'>,
  drafts: readonly MessageDraft[],
  isOwn: (message: Message, draft: MessageDraft) => boolean,
): Promise<SettledDrafts> {
  let isFreed = false
  for (let waitMs = FIRST_WAIT_MS; ; waitMs *= 2) {
    const replayed = await findReplayedDrafts(history, id, drafts)
    const others = [...replayed].filter(([draft, message]) => !isOwn(message, draft)).map(([, message]) => message)
    if (others.length === 0) return { replayed, isFreed }
    const conversation = await findConversation(history, ownerId, id)
    const hidden = others.find(({ branch }) => !isListed(conversation, branch))
    if (hidden === undefined) return { replayed, isFreed, conversation }
    if (waitMs <= LAST_WAIT_MS) await new Promise((resolve) => setTimeout(resolve, waitMs))
    else isFreed = (await history.removeUnlistedBranch(id, hidden.branch)) > 0 || isFreed
  }
}
