import { ConversationIdTakenError, ConversationUnreadableError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import type { Conversation, ConversationChanges } from '../../conversation.ts'
import type { Head } from '../../message.ts'
import type { BranchSwitch, ConversationRange, History, UnfinishedDeletion } from '../history.ts'
import { skipUnreadable } from '../stored-check.ts'
import type { SqliteDatabase, SqliteValues } from './sqlite-database.ts'
import {
  CONVERSATION_COLUMNS,
  type ConversationRow,
  decodeConversation,
  encodeConversation,
  IS_ALIVE,
} from './sqlite-rows.ts'

/** The methods of the history that are about conversations. */
export type SqliteConversations = Pick<
  History,
  | 'findConversations'
  | 'findConversationByExternalId'
  | 'createConversation'
  | 'updateConversation'
  | 'listConversations'
  | 'raiseHead'
  | 'switchBranch'
  | 'markDeleted'
  | 'findExpired'
  | 'markExpired'
  | 'removeConversation'
  | 'findUnfinishedDeletions'
>

const COLUMNS = CONVERSATION_COLUMNS.join(', ')
const INSERT = `INSERT INTO conversations (${COLUMNS})
  VALUES (${CONVERSATION_COLUMNS.map((name) => `:${name}`).join(', ')}) ON CONFLICT (id) DO NOTHING`
const UPDATE = `UPDATE conversations SET ${CONVERSATION_COLUMNS.map((name) => `${name} = :${name}`).join(', ')}
  WHERE id = :id`
const BY_ID = `SELECT ${COLUMNS} FROM conversations WHERE id = :id AND ownerId = :ownerId AND ${IS_ALIVE}`
const BY_EXTERNAL_ID = `SELECT ${COLUMNS} FROM conversations
  WHERE ownerId = :ownerId AND externalId = :externalId AND ${IS_ALIVE}`
const IN_LIST = `SELECT ${COLUMNS} FROM conversations WHERE ownerId = :ownerId AND archived = :archived
  AND (lastMessageAt, id) > (:afterTime, :afterId) AND (lastMessageAt, id) < (:beforeTime, :beforeId) AND ${IS_ALIVE}`
const NEWEST_IN_LIST = `${IN_LIST} ORDER BY lastMessageAt DESC, id DESC LIMIT :limit`
const OLDEST_IN_LIST = `${IN_LIST} ORDER BY lastMessageAt, id LIMIT :limit`
const RAISE_HEAD = `UPDATE conversations SET lastMessageAt = max(lastMessageAt, :lastMessageAt), heads = iif(
    ifnull(heads ->> ('$."' || :branch || '".sequence'), -1) >= :sequence, heads,
    json_set(heads, '$."' || :branch || '"', json_object('sequence', :sequence, 'tokens', :tokens)))
  WHERE id = :id AND deletedAt IS NULL AND json_valid(heads)`
const UNREADABLE_HEADS = 'SELECT id FROM conversations WHERE id = :id AND NOT json_valid(heads)'
const MARK_DELETED = `UPDATE conversations SET deletedAt = :deletedAt
  WHERE id = :id AND ownerId = :ownerId AND ${IS_ALIVE}`
const EXPIRED = `SELECT id AS conversationId, ownerId FROM conversations
  WHERE expiresAt <= :expiredAt AND expiresAt IS NOT NULL AND deletedAt IS NULL ORDER BY expiresAt LIMIT :limit`
const MARK_EXPIRED = `UPDATE conversations SET deletedAt = :deletedAt
  WHERE id = :id AND ownerId = :ownerId AND deletedAt IS NULL AND expiresAt <= :deletedAt`
const DELETE_EXPIRED = `UPDATE conversations SET deletedAt = :now
  WHERE ownerId = :ownerId AND externalId = :externalId AND deletedAt IS NULL AND expiresAt <= :now`
const REMOVE = 'DELETE FROM conversations WHERE id = :id AND deletedAt IS NOT NULL'
const UNFINISHED = `SELECT id AS conversationId, ownerId, deletedAt FROM conversations
  WHERE deletedAt < :deletedBefore ORDER BY deletedAt LIMIT :limit`

/** The conversations' part of the embedded history. `now` decides what is past its `expiresAt`. */
export function createSqliteConversations(
  database: SqliteDatabase,
  now: () => number,
  onUnreadable: (error: ConversationUnreadableError) => void,
): SqliteConversations {
  function find(sql: string, values: SqliteValues): Conversation | undefined {
    return database.all<ConversationRow>(sql, { ...values, now: now() }).map(decodeConversation)[0]
  }

  function findConversations(ownerId: string, ids: readonly string[]): Promise<(Conversation | undefined)[]> {
    return database.guard(() => ids.map((id) => find(BY_ID, { ownerId, id })))
  }

  function findConversationByExternalId(ownerId: string, externalId: string): Promise<Conversation | undefined> {
    return database.guard(() => find(BY_EXTERNAL_ID, { ownerId, externalId }))
  }

  function createConversation(conversation: Conversation): Promise<{ conversation: Conversation; created: boolean }> {
    const { ownerId, externalId } = conversation
    return database.guard(() =>
      database.transact(() => {
        if (externalId !== undefined) {
          const existing = find(BY_EXTERNAL_ID, { ownerId, externalId })
          if (existing !== undefined) return { conversation: existing, created: false }
          database.run(DELETE_EXPIRED, { ownerId, externalId, now: now() })
        }
        if (database.run(INSERT, encodeConversation(conversation)) === 0) {
          throw new ConversationIdTakenError(conversation.id)
        }
        return { conversation, created: true }
      }),
    )
  }

  function updateConversation(
    ownerId: string,
    id: string,
    changes: ConversationChanges,
  ): Promise<Conversation | undefined> {
    return database.guard(() =>
      database.transact(() => {
        const found = find(BY_ID, { ownerId, id })
        if (found === undefined) return undefined
        const changed = applyChanges(found, changes)
        database.run(UPDATE, encodeConversation(changed))
        return changed
      }),
    )
  }

  async function listConversations(range: ConversationRange): Promise<Conversation[]> {
    const listed: Conversation[] = []
    let rest = range
    while (rest.limit > 0) {
      const rows = await database.guard(() => readPage(rest))
      listed.push(...skipUnreadable(rows, decodeConversation, onUnreadable))
      const last = rows.at(-1)
      if (last === undefined || rows.length < rest.limit) break
      // Those that cannot be read fill no page.
      const bound = range.from === 'NEWEST' ? { newer: last } : { older: last }
      rest = { ...rest, ...bound, limit: range.limit - listed.length }
    }
    return range.from === 'NEWEST' ? listed : listed.reverse()
  }

  function readPage({ ownerId, archived, newer, older, limit, from }: ConversationRange): ConversationRow[] {
    const list = { ownerId, archived: archived ? 1 : 0, limit, now: now() }
    const after = { afterTime: older?.lastMessageAt ?? -1, afterId: older?.id ?? '' }
    const before = { beforeTime: newer?.lastMessageAt ?? Number.MAX_SAFE_INTEGER, beforeId: newer?.id ?? '' }
    return database.all(from === 'NEWEST' ? NEWEST_IN_LIST : OLDEST_IN_LIST, { ...list, ...after, ...before })
  }

  async function raiseHead(
    id: string,
    branch: string,
    { sequence, tokens }: Head,
    lastMessageAt: number,
  ): Promise<void> {
    const raised = { id, branch, sequence, tokens, lastMessageAt }
    // A hint: one that is too low is raised by the next read.
    await database.guard(() => {
      if (database.unsynced(() => database.run(RAISE_HEAD, raised)) > 0) return
      if (database.all(UNREADABLE_HEADS, { id }).length > 0)
        throw new ConversationUnreadableError(id, 'heads is nonsense')
    })
  }

  function switchBranch(ownerId: string, id: string, change: BranchSwitch): Promise<boolean> {
    return database.guard(() =>
      database.transact(() => {
        const found = find(BY_ID, { ownerId, id })
        if (found?.branchEpoch !== change.fromEpoch) return false
        return database.run(UPDATE, encodeConversation(applySwitch(found, change))) > 0
      }),
    )
  }

  function markDeleted(ownerId: string, id: string, deletedAt: number): Promise<boolean> {
    return database.guard(() => database.run(MARK_DELETED, { ownerId, id, deletedAt, now: now() }) > 0)
  }

  async function findExpired(expiredAt: number, limit: number) {
    const values = { expiredAt, limit: Math.max(0, limit) }
    const rows = await database.guard(() => database.all<{ conversationId: string; ownerId: string }>(EXPIRED, values))
    return rows.map((row) => ({ ...row }))
  }

  function markExpired(ownerId: string, id: string, deletedAt: number): Promise<boolean> {
    return database.guard(() => database.run(MARK_EXPIRED, { ownerId, id, deletedAt }) > 0)
  }

  async function removeConversation(id: string): Promise<void> {
    await database.guard(() => {
      database.run(REMOVE, { id })
      database.clearLog()
    })
  }

  function findUnfinishedDeletions(deletedBefore: number, limit: number): Promise<UnfinishedDeletion[]> {
    const values = { deletedBefore, limit: Math.max(0, limit) }
    return database.guard(() => database.all<UnfinishedDeletion>(UNFINISHED, values))
  }

  return {
    findConversations,
    findConversationByExternalId,
    createConversation,
    updateConversation,
    listConversations,
    raiseHead,
    switchBranch,
    markDeleted,
    findExpired,
    markExpired,
    removeConversation,
    findUnfinishedDeletions,
  }
}

function applyChanges(conversation: Conversation, changes: ConversationChanges): Conversation {
  return omitUndefined({ ...conversation, ...omitUndefined(changes, 'KEEP_NULL') })
}

function applySwitch(conversation: Conversation, { toEpoch, branch, newBranch }: BranchSwitch): Conversation {
  const { branches, activeBranch, selectedEpochs, heads } = conversation
  return {
    ...conversation,
    branchEpoch: toEpoch,
    activeBranch: branch ?? activeBranch,
    selectedEpochs: { ...selectedEpochs, ...(branch !== undefined && { [branch]: toEpoch }) },
    branches: newBranch ? [...branches, newBranch.branch] : branches,
    heads: { ...heads, ...(newBranch && { [newBranch.branch.id]: newBranch.head }) },
  }
}
