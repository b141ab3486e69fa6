import { ClientMessageIdConflictError } from '../../errors.ts'
import type { History } from '../history/history.ts'
import { idempotencyKey } from '../history/stored-draft.ts'
import { canonicalJson } from '../input/canonical-json.ts'
import type { Message, MessageDraft } from '../message.ts'

/**
 * The drafts that are stored already, by their client's id or by the reply that wrote them, with their
 * messages. Rejects with ClientMessageIdConflictError where a client's id is stored with other content.
 */
export async function findReplayedDrafts(
  history: Pick<History, 'findByIdempotencyKeys'>,
  conversationId: string,
  drafts: readonly MessageDraft[],
): Promise<Map<MessageDraft, Message>> {
  return matchDrafts(drafts, await findByKeys(history, conversationId, drafts))
}

/** What is stored under the keys of drafts, whatever its content; no query where they have none. */
export async function findByKeys(
  history: Pick<History, 'findByIdempotencyKeys'>,
  conversationId: string,
  drafts: readonly MessageDraft[],
): Promise<Message[]> {
  const keys = drafts.flatMap((draft) => idempotencyKey(draft) ?? [])
  return keys.length > 0 ? await history.findByIdempotencyKeys(conversationId, keys) : []
}

/** The messages of the drafts among those found. Throws ClientMessageIdConflictError where the content differs. */
export function matchDrafts(drafts: readonly MessageDraft[], found: readonly Message[]): Map<MessageDraft, Message> {
  const byKey = new Map(found.map((message) => [idempotencyKey(message), message]))
  const replayed = new Map<MessageDraft, Message>()
  for (const draft of drafts) {
    const stored = byKey.get(idempotencyKey(draft))
    if (stored === undefined) continue
    if (!isSame(draft, stored)) throw new ClientMessageIdConflictError(draft.clientMessageId ?? '', stored.id)
    replayed.set(draft, stored)
  }
  return replayed
}

/**
 * Whether a draft is what is stored under its key: the content decides. A redacted message has lost it, and
 * what a reply wrote was fixed when it was sealed (B5).
 */
export function isSame(draft: MessageDraft, stored: Message): boolean {
  if (draft.replyId !== undefined || stored.status === 'REDACTED') return true
  return canonicalJson(contentOf(stored)) === canonicalJson(contentOf(draft))
}

function contentOf({ role, parts, author }: MessageDraft): object {
  return { role, parts, author }
}
