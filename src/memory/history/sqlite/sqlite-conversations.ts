import type { Conversation, ConversationChanges } from '../../conversation.ts'
import type { BranchSwitch, History, UnfinishedDeletion } from '../history.ts'
import { omitAbsent } from '../omit-absent.ts'
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
  | 'removeConversation'
  | 'findUnfinishedDeletions'
>

const COLUMNS = CONVERSATION_COLUMNS.join(', ')
const INSERT = `INSERT INTO conversations (${COLUMNS})
  VALUES (${CONVERSATION_COLUMNS.map((name) => `:${name}`).join(', ')})`
const UPDATE = `UPDATE conversations SET ${CONVERSATION_COLUMNS.map((name) => `${name} = :${name}`).join(', ')}
  WHERE id = :id`
const BY_ID = `SELECT ${COLUMNS} FROM conversations WHERE id = :id AND ownerId = :ownerId AND ${IS_ALIVE}`
const BY_EXTERNAL_ID = `SELECT ${COLUMNS} FROM conversations
  WHERE ownerId = :ownerId AND externalId = :externalId AND ${IS_ALIVE}`
const IN_LIST = `SELECT ${COLUMNS} FROM conversations WHERE ownerId = :ownerId AND archived = :archived
  AND (lastMessageAt, id) > (:afterTime, :afterId) AND (lastMessageAt, id) < (:beforeTime, :beforeId) AND ${IS_ALIVE}`
const NEWEST_IN_LIST = `${IN_LIST} ORDER BY lastMessageAt DESC, id DESC LIMIT :limit`
const OLDEST_IN_LIST = `${IN_LIST} ORDER BY lastMessageAt, id LIMIT :limit`
const RAISE_HEAD = `UPDATE conversations SET lastMessageAt = max(lastMessageAt, :lastMessageAt), heads = json_set(
    heads, '$."' || :branch || '"', json_object(
      'sequence', max(ifnull(heads ->> ('$."' || :branch || '".sequence'), 0), :sequence),
      'tokens', max(ifnull(heads ->> ('$."' || :branch || '".tokens'), 0), :tokens)))
  WHERE id = :id AND deletedAt IS NULL`
const MARK_DELETED = `UPDATE conversations SET deletedAt = :deletedAt
  WHERE id = :id AND ownerId = :ownerId AND ${IS_ALIVE}`
const DELETE_EXPIRED = `UPDATE conversations SET deletedAt = :now
  WHERE ownerId = :ownerId AND externalId = :externalId AND deletedAt IS NULL AND expiresAt <= :now`
const REMOVE = 'DELETE FROM conversations WHERE id = :id AND deletedAt IS NOT NULL'
const UNFINISHED = `SELECT id AS conversationId, ownerId, deletedAt FROM conversations
  WHERE deletedAt < :deletedBefore ORDER BY deletedAt LIMIT :limit`

/** The conversations' part of the embedded history. `now` decides what is past its `expiresAt`. */
export function createSqliteConversations(database: SqliteDatabase, now: () => number): SqliteConversations {
  const find = (sql: string, values: SqliteValues): Conversation | undefined =>
    database.all<ConversationRow>(sql, { ...values, now: now() }).map(decodeConversation)[0]

  return {
    findConversations: (ownerId, ids) => database.guard(() => ids.map((id) => find(BY_ID, { ownerId, id }))),

    findConversationByExternalId: (ownerId, externalId) =>
      database.guard(() => find(BY_EXTERNAL_ID, { ownerId, externalId })),

    createConversation: (conversation) =>
      database.guard(() =>
        database.transact(() => {
          const { ownerId, externalId } = conversation
          if (externalId !== undefined) {
            const existing = find(BY_EXTERNAL_ID, { ownerId, externalId })
            if (existing !== undefined) return { conversation: existing, created: false }
            database.run(DELETE_EXPIRED, { ownerId, externalId, now: now() })
          }
          database.run(INSERT, encodeConversation(conversation))
          return { conversation, created: true }
        }),
      ),

    updateConversation: (ownerId, id, changes) =>
      database.guard(() =>
        database.transact(() => {
          const found = find(BY_ID, { ownerId, id })
          if (found === undefined) return undefined
          const changed = applyChanges(found, changes)
          database.run(UPDATE, encodeConversation(changed))
          return changed
        }),
      ),

    async listConversations({ ownerId, archived, newer, older, limit, from }) {
      const list = { ownerId, archived: archived ? 1 : 0, limit: Math.max(0, limit), now: now() }
      const after = { afterTime: older?.lastMessageAt ?? -1, afterId: older?.id ?? '' }
      const before = { beforeTime: newer?.lastMessageAt ?? Number.MAX_SAFE_INTEGER, beforeId: newer?.id ?? '' }
      const sql = from === 'NEWEST' ? NEWEST_IN_LIST : OLDEST_IN_LIST
      const rows = await database.guard(() => database.all<ConversationRow>(sql, { ...list, ...after, ...before }))
      const listed = rows.map(decodeConversation)
      return from === 'NEWEST' ? listed : listed.reverse()
    },

    async raiseHead(id, branch, { sequence, tokens }, lastMessageAt) {
      const raised = { id, branch, sequence, tokens, lastMessageAt }
      // A hint: one that is too low is raised by the next read.
      await database.guard(() => database.unsynced(() => database.run(RAISE_HEAD, raised)))
    },

    switchBranch: (ownerId, id, change) =>
      database.guard(() =>
        database.transact(() => {
          const found = find(BY_ID, { ownerId, id })
          if (found?.branchEpoch !== change.fromEpoch) return false
          return database.run(UPDATE, encodeConversation(applySwitch(found, change))) > 0
        }),
      ),

    markDeleted: (ownerId, id, deletedAt) =>
      database.guard(() => database.run(MARK_DELETED, { ownerId, id, deletedAt, now: now() }) > 0),

    async removeConversation(id) {
      await database.guard(() => {
        database.run(REMOVE, { id })
        database.clearLog()
      })
    },

    findUnfinishedDeletions: (deletedBefore, limit) =>
      database.guard(() => database.all<UnfinishedDeletion>(UNFINISHED, { deletedBefore, limit: Math.max(0, limit) })),
  }
}

function applyChanges(conversation: Conversation, changes: ConversationChanges): Conversation {
  const changed = Object.entries(changes).filter(([, value]) => value !== undefined)
  return omitAbsent({ ...conversation, ...(Object.fromEntries(changed) as ConversationChanges) })
}

function applySwitch(conversation: Conversation, { toEpoch, branch, fork }: BranchSwitch): Conversation {
  const { branches, activeBranch, selectedEpochs, heads } = conversation
  return {
    ...conversation,
    branchEpoch: toEpoch,
    activeBranch: branch ?? activeBranch,
    selectedEpochs: { ...selectedEpochs, ...(branch !== undefined && { [branch]: toEpoch }) },
    branches: fork ? [...branches, fork.branch] : branches,
    heads: { ...heads, ...(fork && { [fork.branch.id]: fork.head }) },
  }
}
