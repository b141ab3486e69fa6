import { createHash } from 'node:crypto'
import { MAX_TITLE_LENGTH } from '../memory/input/limits.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { FileBranch, FileConversation } from './file-conversation.ts'
import { textOf, timeOf } from './json-fields.ts'
import type { Notes } from './notes.ts'
import { cutName, isTime } from './repair-message.ts'

/** An external id has room for so many characters behind its prefix. */
const MAX_GIVEN_ID_LENGTH = 240

/** What a file says of a conversation, in whatever form. */
interface GivenFacts {
  id: unknown
  title?: unknown
  createdAt?: unknown
  updatedAt?: unknown
  isArchived?: boolean
}

/**
 * The fields that a conversation has in every format: its id or, where the file says none, a digest of its messages;
 * its title, cut where it is too long; and its times, as far as they are any. What the file does not say the newest
 * message does.
 */
export function factsOf(
  prefix: string,
  { id: given, title, createdAt, updatedAt, isArchived }: GivenFacts,
  branches: readonly FileBranch[],
  notes: Notes,
): Pick<FileConversation, 'id' | 'isNamed' | 'externalId' | 'settings' | 'origin'> {
  const said = textOf(given) ?? (Number.isSafeInteger(given) ? String(given) : undefined)
  // Without an id of its own it is known by its first message, which stays when it grows.
  const known = said ?? branches[0]?.messages[0]?.id ?? JSON.stringify([title, createdAt])
  const id = said !== undefined && isId(said) ? said : createHash('sha256').update(known).digest('hex')
  if (title != null && typeof title !== 'string') notes.change('title', 'a title that is no text: left out')
  const label = textOf(title) && cutName(String(title), 'title', notes, MAX_TITLE_LENGTH)
  const times = branches.flatMap(({ messages }) => messages.flatMap(({ message }) => message.createdAt ?? []))
  const [created, updated] = [createdAt, updatedAt].map((time) => readTime(time))
  const lastMessageAt = updated ?? newest(times) ?? created
  const origin = omitUndefined({
    createdAt: created ?? times[0] ?? lastMessageAt,
    lastMessageAt,
    archivedAt: isArchived ? (lastMessageAt ?? 0) : undefined,
  })
  return {
    id,
    isNamed: said !== undefined,
    externalId: `${prefix}${id}`,
    settings: omitUndefined({ title: label || undefined }),
    origin,
  }
}

/** Whether it can be stored as it is, with a prefix. */
function isId(id: string): boolean {
  return id.length <= MAX_GIVEN_ID_LENGTH && id.isWellFormed() && !id.includes('\0')
}

function readTime(value: unknown): number | undefined {
  const time = timeOf(value)
  return time !== undefined && isTime(time) ? time : undefined
}

function newest(times: readonly number[]): number | undefined {
  return times.reduce<number | undefined>((last, time) => (last === undefined || time > last ? time : last), undefined)
}
