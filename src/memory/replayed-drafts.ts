import { isDeepStrictEqual } from 'node:util'
import { ClientMessageIdConflictError } from '../errors.ts'
import type { History } from './history.ts'
import type { Message, MessageDraft } from './message.ts'
import { storedKey } from './stored-draft.ts'

type Keyed = Pick<MessageDraft, 'clientMessageId' | 'replyId'>

/**
 * The drafts that are stored already, by their client's id or by the reply that wrote them, with their
 * messages. A client's id that is stored with other content is a ClientMessageIdConflictError.
 */
export async function findReplayedDrafts(
  history: Pick<History, 'findByClientMessageIds' | 'findByReplyId'>,
  conversationId: string,
  drafts: readonly MessageDraft[],
): Promise<Map<MessageDraft, Message>> {
  const clientIds = drafts.flatMap(({ clientMessageId }) => clientMessageId ?? [])
  const replyIds = drafts.flatMap(({ replyId }) => replyId ?? [])
  const found = await Promise.all([
    clientIds.length > 0 ? history.findByClientMessageIds(conversationId, clientIds) : [],
    ...replyIds.map((replyId) => history.findByReplyId(conversationId, replyId)),
  ])
  const byKey = new Map(found.flat().flatMap((message) => (message ? [[keyOf(message), message]] : [])))
  const replayed = new Map<MessageDraft, Message>()
  for (const draft of drafts) {
    const key = keyOf(draft)
    const stored = key === undefined ? undefined : byKey.get(key)
    if (stored === undefined) continue
    if (!isSame(draft, stored)) throw new ClientMessageIdConflictError(draft.clientMessageId ?? '', stored.id)
    replayed.set(draft, stored)
  }
  return replayed
}

function keyOf({ clientMessageId, replyId }: Keyed): string | undefined {
  return storedKey(clientMessageId, replyId)
}

/** The content decides. A redacted message has lost it, and what a reply wrote was fixed when it was sealed (B5). */
function isSame(draft: MessageDraft, stored: Message): boolean {
  const says = ({ role, parts, author }: MessageDraft) => ({ role, parts, author })
  return draft.replyId !== undefined || stored.status === 'REDACTED' || isDeepStrictEqual(says(stored), says(draft))
}
