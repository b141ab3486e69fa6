import { randomUUID } from 'node:crypto'
import type { Collection } from 'mongodb'
import { type Conversation, ROOT_BRANCH } from '../../conversation.ts'
import type { History, UnlistedBranch } from '../history.ts'
import { readableBranches } from '../stored-check.ts'
import type { ConversationDocument, MessageDocument } from './mongo-documents.ts'
import type { MongoGuard } from './mongo-guard.ts'
import { findDocumentIds, removeDocuments } from './mongo-statements.ts'

/** The methods of the history that find and remove what edits left that nobody listed. */
export type MongoUnlisted = Pick<
  History,
  'findUnlistedBranches' | 'isBranchWhole' | 'removeUnlistedBranch' | 'renewUnlistedBranch'
>

const BEGINNING = new Date(0)
/** Messages that are removed for one look at the branch. */
const STEP_LIMIT = 1_000

/**
 * Unlisted branches in MongoDB. A branch is given up in two steps, if the conversation can be read: first its messages
 * take `unlistedSince` 0, which no renewal changes any more, and the removal's name; then the conversation's epoch rises,
 * so that a switch that is under way is refused, and its next attempt finds the branch not whole. What is stored on it
 * later, or given up by another removal, is not this one's to remove.
 */
export function createMongoUnlisted(
  conversations: Collection<ConversationDocument>,
  messages: Collection<MessageDocument>,
  guard: MongoGuard,
): MongoUnlisted {
  async function findUnlistedBranches(storedBefore: number, limit: number): Promise<UnlistedBranch[]> {
    if (limit < 1) return []
    const filter = { unlistedSince: { $gte: BEGINNING, $lt: new Date(storedBefore) } }
    const projection = { conversationId: 1, branch: 1 }
    const options = { projection, sort: { unlistedSince: 1 as const }, limit, batchSize: limit }
    const found = await guard.read((read) => messages.find(filter, { ...read, ...options }).toArray())
    const byBranch = new Map(
      found.map(({ conversationId, branch }) => [`${conversationId} ${branch}`, { conversationId, branch }]),
    )
    return [...byBranch.values()]
  }

  async function renewUnlistedBranch(conversationId: string, branch: string, unlistedSince: number): Promise<void> {
    const filter = { conversationId, branch, unlistedSince: { $ne: BEGINNING } }
    const change = { $set: { unlistedSince: new Date(unlistedSince) } }
    await guard.write(() => messages.updateMany(filter, change))
  }

  async function isBranchWhole(conversationId: string, branch: string, first: number, last: number): Promise<boolean> {
    const place = { conversationId, branch }
    const wanted = { ...place, sequence: { $gte: first, $lte: last }, unlistedSince: { $ne: BEGINNING } }
    const [stored, givenUp] = await Promise.all([
      findDocumentIds(messages, guard, wanted, last - first + 1),
      findDocumentIds(messages, guard, { ...place, unlistedSince: BEGINNING }, 1),
    ])
    return stored.length === last - first + 1 && givenUp.length === 0
  }

  async function removeUnlistedBranch(conversationId: string, branch: string): Promise<number> {
    const removal = randomUUID()
    if (!(await giveUp(conversationId, branch, removal))) return 0
    let removed = 0
    for (;;) {
      const ids = await findDocumentIds(messages, guard, { conversationId, branch, removal }, STEP_LIMIT)
      if (ids.length === 0) return removed
      removed += await removeDocuments(messages, guard, { conversationId, removal }, ids)
    }
  }

  /** Whether nobody can list the branch with the messages that it had. */
  async function giveUp(conversationId: string, branch: string, removal: string): Promise<boolean> {
    if (branch === ROOT_BRANCH) return false
    const place = { conversationId, branch }
    await readTree(conversationId)
    await guard.write(() => messages.updateMany(place, { $set: { unlistedSince: BEGINNING, removal } }))
    for (;;) {
      const found = await readTree(conversationId)
      // Without its conversation it came after a deletion; a deletion that is under way removes it.
      if (found === undefined) return true
      if (found.branches.some(({ id }) => id === branch)) {
        await guard.write(() => messages.updateMany(place, { $unset: { unlistedSince: true, removal: true } }))
        return false
      }
      const filter = { _id: conversationId, branchEpoch: found.branchEpoch }
      const change = { $set: { branchEpoch: found.branchEpoch + 1 } }
      if ((await guard.write(() => conversations.updateOne(filter, change))).modifiedCount > 0) return true
    }
  }

  async function readTree(_id: string): Promise<Pick<Conversation, 'branches' | 'branchEpoch'> | undefined> {
    const [found] = await guard.read((read) => conversations.find({ _id }, { ...read, limit: 1 }).toArray())
    return found && { branches: readableBranches(_id, () => found.branches), branchEpoch: found.branchEpoch }
  }

  return { findUnlistedBranches, isBranchWhole, removeUnlistedBranch, renewUnlistedBranch }
}
