import type { Branch } from '../../conversation.ts'
import type { History, UnlistedBranch } from '../history.ts'
import { readableBranches } from '../stored-check.ts'
import type { SqliteDatabase } from './sqlite-database.ts'
import { removeRows } from './sqlite-removal.ts'

/** The methods of the history that find and remove what edits left that nobody listed. */
export type SqliteUnlisted = Pick<
  History,
  'findUnlistedBranches' | 'isBranchWhole' | 'removeUnlistedBranch' | 'renewUnlistedBranch'
>

const OF_BRANCH = 'conversationId = :conversationId AND branch = :branch'
const UNLISTED = `SELECT conversationId, branch FROM messages
  WHERE unlistedSince < :storedBefore AND unlistedSince IS NOT NULL ORDER BY unlistedSince LIMIT :limit`
const RENEW = `UPDATE messages SET unlistedSince = :unlistedSince WHERE ${OF_BRANCH} AND unlistedSince IS NOT 0`
const GIVEN_UP = `${OF_BRANCH} AND unlistedSince = 0`
const WHOLE = `SELECT count(*) AS stored, EXISTS (SELECT 1 FROM messages WHERE ${GIVEN_UP}) AS isGivenUp
  FROM messages WHERE ${OF_BRANCH} AND sequence BETWEEN :first AND :last`
const SET_LISTED = `UPDATE messages SET unlistedSince = NULL WHERE ${OF_BRANCH} AND unlistedSince IS NOT NULL`
const GIVE_UP = `UPDATE messages SET unlistedSince = 0 WHERE ${OF_BRANCH}`
const BRANCHES = 'SELECT branches FROM conversations WHERE id = :conversationId'
const RAISE_EPOCH = 'UPDATE conversations SET branchEpoch = branchEpoch + 1 WHERE id = :conversationId'

/**
 * Unlisted branches in the embedded history. A branch is given up in one transaction: its messages take `unlistedSince`
 * 0, which no renewal changes any more, and the conversation's epoch rises, so that a switch under way is refused.
 */
export function createSqliteUnlisted(database: SqliteDatabase): SqliteUnlisted {
  async function findUnlistedBranches(storedBefore: number, limit: number): Promise<UnlistedBranch[]> {
    const values = { storedBefore, limit: Math.max(0, limit) }
    const rows = await database.guard(() => database.all<UnlistedBranch>(UNLISTED, values))
    return [...new Map(rows.map((row) => [`${row.conversationId} ${row.branch}`, { ...row }])).values()]
  }

  async function renewUnlistedBranch(conversationId: string, branch: string, unlistedSince: number): Promise<void> {
    await database.guard(() => database.run(RENEW, { conversationId, branch, unlistedSince }))
  }

  async function isBranchWhole(conversationId: string, branch: string, first: number, last: number): Promise<boolean> {
    const values = { conversationId, branch, first, last }
    const [found] = await database.guard(() => database.all<{ stored: number; isGivenUp: number }>(WHOLE, values))
    return found?.stored === last - first + 1 && found.isGivenUp === 0
  }

  async function removeUnlistedBranch(conversationId: string, branch: string): Promise<number> {
    const isGivenUp = await database.guard(() => database.transact(() => giveUp(conversationId, branch)))
    if (!isGivenUp) return 0
    // What is stored behind that may be listed: by an edit that looked at the branch anew.
    return removeRows(database, 'messages', GIVEN_UP, { conversationId, branch }, Number.POSITIVE_INFINITY)
  }

  function giveUp(conversationId: string, branch: string): boolean {
    const [found] = database.all<{ branches: string }>(BRANCHES, { conversationId })
    const listed = readableBranches(conversationId, () => JSON.parse(found?.branches ?? '[]') as Branch[])
    if (listed.some(({ id }) => id === branch)) {
      database.run(SET_LISTED, { conversationId, branch })
      return false
    }
    database.run(GIVE_UP, { conversationId, branch })
    database.run(RAISE_EPOCH, { conversationId })
    return true
  }

  return { findUnlistedBranches, isBranchWhole, removeUnlistedBranch, renewUnlistedBranch }
}
