import type { Conversation } from '../../memory/conversation.ts'
import { clientIdOf, type FileConversation } from '../file-conversation.ts'
import type { Notes } from '../notes.ts'
import type { ImporterDeps } from './stored-messages.ts'

/** How external ids begin that an import made. */
const FROM_FILE = /^(?:import|chatgpt|claude|open-webui):/

/**
 * A conversation of an own export keeps its id, and is found by it; any other one by its external id. One that came
 * from a file is the same wherever it is; an external id that an application gave is left to its conversation here.
 */
export async function findOrCreate(
  memory: ImporterDeps['memory'],
  { settings, externalId, origin }: FileConversation,
  ownerId: string,
  notes: Notes,
  now: number,
): Promise<{ conversation: Conversation; created: boolean }> {
  const { id } = origin
  const create = (given: string | undefined) =>
    memory.createConversation(
      ownerId,
      { ...settings, ...(given !== undefined && { externalId: given }) },
      'RETURN',
      notAfter(now, origin),
    )
  if (id === undefined) return create(externalId)
  const [own] = await memory.findConversations(ownerId, [id])
  if (own) return { conversation: own, created: false }
  // An older export is imported under its id.
  const older = await memory.findConversationByExternalId(ownerId, clientIdOf(id))
  if (older) return { conversation: older, created: false }
  const other = externalId === undefined ? undefined : await memory.findConversationByExternalId(ownerId, externalId)
  if (other && FROM_FILE.test(externalId ?? '')) return { conversation: other, created: false }
  if (other) notes.loss('', 'an external id that another conversation has here: left out')
  return create(other ? undefined : externalId)
}

/** What a file says of times, none of them ahead of now: the sidebar is in the order of these. */
export function notAfter(now: number, origin: FileConversation['origin']): FileConversation['origin'] {
  const { createdAt, lastMessageAt, archivedAt, ...rest } = origin
  const created = Math.min(createdAt ?? now, now)
  return {
    ...rest,
    createdAt: created,
    lastMessageAt: Math.max(created, Math.min(lastMessageAt ?? created, now)),
    ...(archivedAt !== undefined && { archivedAt: Math.min(archivedAt, now) }),
  }
}

/** Whether every message is here that a branch begins behind and the file lacks: else another file may have it. */
export async function hasParents(
  { memory, history }: Pick<ImporterDeps, 'memory' | 'history'>,
  { branches, externalId }: FileConversation,
  ownerId: string,
): Promise<boolean> {
  const keys = new Set(branches.flatMap(({ outside }) => (outside === undefined ? [] : `c:${clientIdOf(outside)}`)))
  if (keys.size === 0 || externalId === undefined) return true
  const conversation = await memory.findConversationByExternalId(ownerId, externalId)
  if (conversation === undefined) return false
  const found = await history.findByIdempotencyKeys(conversation.id, [...keys])
  return found.length === keys.size
}
