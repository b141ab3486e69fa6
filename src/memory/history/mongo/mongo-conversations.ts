import type { Collection, Filter, UpdateFilter } from 'mongodb'
import { HistoryUnavailableError } from '../../../errors.ts'
import type { Conversation, ConversationChanges } from '../../conversation.ts'
import type { Head } from '../../message.ts'
import type { BranchSwitch, ConversationRange, History, UnfinishedDeletion } from '../history.ts'
import { readConversationPage } from './mongo-conversation-page.ts'
import { type ConversationDocument, decodeConversation, encodeConversation } from './mongo-documents.ts'
import { isDuplicateKey, type MongoGuard } from './mongo-guard.ts'
import { aliveFilter, updateOf } from './mongo-statements.ts'

/** The methods of the history that are about conversations. */
export type MongoConversations = Pick<
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

/** A dead conversation may hold an `externalId`, and another creator may take it: each costs an attempt. */
const CREATION_ATTEMPTS = 5
const BEGINNING = new Date(0)

/** The conversations' part of the history in MongoDB. `now` decides what is past its `expiresAt`. */
export function createMongoConversations(
  collection: Collection<ConversationDocument>,
  guard: MongoGuard,
  now: () => number,
): MongoConversations {
  function isAlive({ expiresAt }: Conversation): boolean {
    return expiresAt === undefined || expiresAt > now()
  }

  function alive(ownerId: string, id: string): Filter<ConversationDocument> {
    return aliveFilter(ownerId, id, now())
  }

  async function read(filter: Filter<ConversationDocument>, limit: number): Promise<Conversation[]> {
    const find = () => collection.find(filter, { limit, batchSize: limit }).toArray()
    return (await guard(find)).map(decodeConversation)
  }

  async function findConversations(ownerId: string, ids: readonly string[]): Promise<(Conversation | undefined)[]> {
    const [only] = ids
    if (only === undefined) return []
    const filter = ids.length === 1 ? { _id: only } : { _id: { $in: [...new Set(ids)] } }
    const found = (await read(filter, ids.length)).filter((each) => each.ownerId === ownerId && isAlive(each))
    const byId = new Map(found.map((conversation) => [conversation.id, conversation]))
    return ids.map((id) => byId.get(id))
  }

  async function findConversationByExternalId(ownerId: string, externalId: string): Promise<Conversation | undefined> {
    return (await read({ ownerId, externalId }, 1)).find(isAlive)
  }

  async function createConversation(
    conversation: Conversation,
  ): Promise<{ conversation: Conversation; created: boolean }> {
    const document = encodeConversation(conversation)
    for (let attempt = 1; ; attempt++) {
      const failure = await guard(() => insert(collection, document))
      if (failure === undefined) return { conversation, created: true }
      const existing = await findExisting(conversation)
      // The same id is this very conversation, stored by an attempt whose answer was lost.
      if (existing !== undefined) return { conversation: existing, created: existing.id === conversation.id }
      if (attempt === CREATION_ATTEMPTS) throw new HistoryUnavailableError(failure)
    }
  }

  /** Undefined where a duplicate is gone by now, or was past its end and is deleted: then the insert can go again. */
  async function findExisting({ ownerId, externalId, id }: Conversation): Promise<Conversation | undefined> {
    const [existing] = await read(externalId === undefined ? { _id: id, ownerId } : { ownerId, externalId }, 1)
    if (existing === undefined || isAlive(existing)) return existing
    const expiresAt = new Date(existing.expiresAt ?? 0)
    await commitDeletion(ownerId, { _id: existing.id, ownerId, expiresAt }, now())
    return undefined
  }

  async function updateConversation(
    ownerId: string,
    id: string,
    changes: ConversationChanges,
  ): Promise<Conversation | undefined> {
    const change = changeOf(changes)
    if (change === undefined) return (await findConversations(ownerId, [id]))[0]
    const { matchedCount } = await guard(() => collection.updateOne(alive(ownerId, id), change))
    if (matchedCount === 0) return undefined
    // An `expiresAt` that this very change set may be past: the caller gets to see it once.
    return (await read({ _id: id, ownerId }, 1))[0]
  }

  async function listConversations(range: ConversationRange): Promise<Conversation[]> {
    const listed: Conversation[] = []
    let rest = range
    while (rest.limit > 0) {
      const page = (await readConversationPage(collection, guard, rest)).map(decodeConversation)
      listed.push(...page.filter(isAlive))
      const last = page.at(-1)
      if (last === undefined || page.length < rest.limit) break
      // Usually the end. Those past their `expiresAt` fill no page, and are few.
      const bound = range.from === 'NEWEST' ? { newer: last } : { older: last }
      rest = { ...rest, ...bound, limit: range.limit - listed.length }
    }
    return range.from === 'NEWEST' ? listed : listed.reverse()
  }

  async function raiseHead(
    conversationId: string,
    branch: string,
    { sequence, tokens }: Head,
    lastMessageAt: number,
  ): Promise<void> {
    const hint = { [`heads.${branch}.sequence`]: sequence, [`heads.${branch}.tokens`]: tokens }
    const $max = { ...hint, lastMessageAt: new Date(lastMessageAt) }
    await guard(() => collection.updateOne({ _id: conversationId }, { $max }))
  }

  async function switchBranch(ownerId: string, id: string, change: BranchSwitch): Promise<boolean> {
    const filter = { ...alive(ownerId, id), branchEpoch: change.fromEpoch }
    return (await guard(() => collection.updateOne(filter, switchOf(change)))).modifiedCount > 0
  }

  function markDeleted(ownerId: string, id: string, deletedAt: number): Promise<boolean> {
    return commitDeletion(ownerId, alive(ownerId, id), deletedAt)
  }

  async function findExpired(expiredAt: number, limit: number) {
    if (limit < 1) return []
    const filter = { expiresAt: { $gte: BEGINNING, $lte: new Date(expiredAt) } }
    const options = { sort: { expiresAt: 1 as const }, limit, batchSize: limit }
    const found = await guard(() => collection.find(filter, options).toArray())
    return found.map(({ _id, ownerId = '' }) => ({ conversationId: _id, ownerId }))
  }

  function markExpired(ownerId: string, id: string, deletedAt: number): Promise<boolean> {
    return commitDeletion(ownerId, { _id: id, ownerId, expiresAt: { $lte: new Date(deletedAt) } }, deletedAt)
  }

  async function commitDeletion(ownerId: string, filter: Filter<ConversationDocument>, deletedAt: number) {
    const $set = { deletedAt: new Date(deletedAt), deletedOwnerId: ownerId }
    // The deletion finishes redactions under way.
    const $unset = { ownerId: true, externalId: true, expiresAt: true, redactions: true, dropDue: true } as const
    return (await guard(() => collection.updateOne(filter, { $set, $unset }))).modifiedCount > 0
  }

  async function removeConversation(conversationId: string): Promise<void> {
    await guard(() => collection.deleteOne({ _id: conversationId, deletedAt: { $gte: BEGINNING } }))
  }

  async function findUnfinishedDeletions(deletedBefore: number, limit: number): Promise<UnfinishedDeletion[]> {
    if (limit < 1) return []
    const filter = { deletedAt: { $gte: BEGINNING, $lt: new Date(deletedBefore) } }
    const options = { sort: { deletedAt: 1 as const }, limit, batchSize: limit }
    const found = await guard(() => collection.find(filter, options).toArray())
    return found.map(({ _id, deletedOwnerId = '', deletedAt = BEGINNING }) => {
      return { conversationId: _id, ownerId: deletedOwnerId, deletedAt: deletedAt.getTime() }
    })
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

/** The error of a duplicate key; other errors are thrown. */
async function insert(collection: Collection<ConversationDocument>, document: ConversationDocument): Promise<unknown> {
  try {
    await collection.insertOne(document)
    return undefined
  } catch (error) {
    if (isDuplicateKey(error)) return error
    throw error
  }
}

/** Undefined when there is nothing to change. */
function changeOf(changes: ConversationChanges): UpdateFilter<ConversationDocument> | undefined {
  const { metadata, archivedAt, expiresAt, ...texts } = changes
  return updateOf<ConversationDocument>({
    ...texts,
    metadata: metadata && JSON.stringify(metadata),
    archived: archivedAt === undefined ? undefined : archivedAt !== null,
    archivedAt: archivedAt == null ? archivedAt : new Date(archivedAt),
    expiresAt: expiresAt == null ? expiresAt : new Date(expiresAt),
  })
}

/** An own switch that a retry finds done counts as lost: its caller reads the conversation, and the branch is there. */
function switchOf({ toEpoch, branch, newBranch }: BranchSwitch): UpdateFilter<ConversationDocument> {
  const $set = {
    branchEpoch: toEpoch,
    ...(branch !== undefined && { activeBranch: branch, [`selectedEpochs.${branch}`]: toEpoch }),
    ...(newBranch && { [`heads.${newBranch.branch.id}`]: newBranch.head }),
  }
  return { $set, ...(newBranch && { $push: { branches: newBranch.branch } }) }
}
