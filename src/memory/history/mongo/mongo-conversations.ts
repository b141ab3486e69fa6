import type { Collection, Filter, UpdateFilter } from 'mongodb'
import { ConversationIdTakenError, HistoryUnavailableError } from '../../../errors.ts'
import type { Conversation, ConversationChanges } from '../../conversation.ts'
import type { Head } from '../../message.ts'
import type { BranchSwitch, ConversationRange, History, UnfinishedDeletion } from '../history.ts'
import { skipUnreadable } from '../stored-check.ts'
import { readConversationPage } from './mongo-conversation-page.ts'
import type { MongoStoreOptions } from './mongo-database.ts'
import { type ConversationDocument, decodeConversation, encodeConversation } from './mongo-documents.ts'
import type { MongoExternalIds } from './mongo-external-ids.ts'
import { isUnique, type MongoGuard } from './mongo-guard.ts'
import { aliveFilter, changeInto, updateOf } from './mongo-statements.ts'

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

/** A claim may lead to a dead conversation, and be freed and taken by another creator meanwhile: each costs an attempt. */
const CREATION_ATTEMPTS = 5
const BEGINNING = new Date(0)

/** The conversations' part of the history in MongoDB. */
export function createMongoConversations(
  collection: Collection<ConversationDocument>,
  externalIds: MongoExternalIds,
  guard: MongoGuard,
  { now, onUnreadable }: Required<Pick<MongoStoreOptions, 'now' | 'onUnreadable'>>,
): MongoConversations {
  function isAlive({ expiresAt }: Conversation): boolean {
    return expiresAt === undefined || expiresAt > now()
  }

  function alive(ownerId: string, id: string): Filter<ConversationDocument> & { _id: string } {
    return aliveFilter(ownerId, id, now())
  }

  async function read(
    filter: Filter<ConversationDocument>,
    limit: number,
    strength?: 'STRONG',
  ): Promise<Conversation[]> {
    const find = { limit, batchSize: limit }
    const found = await guard.read((options) => collection.find(filter, { ...options, ...find }).toArray(), strength)
    return found.map(decodeConversation)
  }

  async function findConversations(
    ownerId: string,
    ids: readonly string[],
    { isStrong = false }: { isStrong?: boolean } = {},
  ): Promise<(Conversation | undefined)[]> {
    const found = isStrong ? await readStrong(ids) : await readAll(ids)
    const own = found.filter((each) => each.ownerId === ownerId && isAlive(each))
    const byId = new Map(own.map((conversation) => [conversation.id, conversation]))
    return ids.map((id) => byId.get(id))
  }

  async function readAll(ids: readonly string[]): Promise<Conversation[]> {
    const [only] = ids
    if (only === undefined) return []
    return read({ _id: ids.length === 1 ? only : { $in: [...new Set(ids)] } }, ids.length)
  }

  /** One by one: only then is it promised. */
  async function readStrong(ids: readonly string[]): Promise<Conversation[]> {
    return (await Promise.all([...new Set(ids)].map((id) => read({ _id: id }, 1, 'STRONG')))).flat()
  }

  async function findConversationByExternalId(ownerId: string, externalId: string): Promise<Conversation | undefined> {
    const id = await externalIds.find(ownerId, externalId)
    return id === undefined ? undefined : (await findConversations(ownerId, [id]))[0]
  }

  async function createConversation(
    conversation: Conversation,
  ): Promise<{ conversation: Conversation; created: boolean }> {
    const { ownerId, externalId } = conversation
    let isOwnIdTaken = false
    for (let attempt = 1; attempt <= CREATION_ATTEMPTS; attempt++) {
      const id =
        externalId === undefined ? conversation.id : await externalIds.claim(ownerId, externalId, conversation.id)
      const result = id === undefined ? undefined : await createUnder(id, conversation)
      if (result !== undefined) return result
      isOwnIdTaken = id === conversation.id
    }
    if (isOwnIdTaken) throw new ConversationIdTakenError(conversation.id)
    throw new HistoryUnavailableError(new Error('An id is taken and freed again and again'))
  }

  /**
   * A claim leads to a conversation that may not be there yet, since its creator died or is slow: whoever finds
   * that makes that very conversation. Undefined where the claim leads to a dead one; it is free by now.
   */
  async function createUnder(id: string, conversation: Conversation) {
    const made = { ...conversation, id }
    const existing = id === conversation.id ? undefined : await readOwn(id, conversation)
    if (
      existing === undefined &&
      (await guard.write(() => isUnique(() => collection.insertOne(encodeConversation(made)))))
    ) {
      return { conversation: made, created: true }
    }
    const found = existing ?? (await readOwn(id, conversation))
    // Also the claimant's may be another's work, who found the claim before the conversation was there.
    if (found === undefined || isAlive(found)) return found && { conversation: found, created: false }
    await commitDeletion(
      found.ownerId,
      { _id: id, ownerId: found.ownerId, expiresAt: new Date(found.expiresAt ?? 0) },
      now(),
    )
    return undefined
  }

  /** Undefined for a missing one, a foreign one, and one that was deleted: then its external id is free by now. */
  async function readOwn(id: string, { ownerId, externalId }: Conversation): Promise<Conversation | undefined> {
    const [found] = await read({ _id: id }, 1)
    if (found?.ownerId === ownerId) return found
    if (found !== undefined && externalId !== undefined) await externalIds.release(ownerId, externalId, id)
    return undefined
  }

  async function updateConversation(
    ownerId: string,
    id: string,
    changes: ConversationChanges,
  ): Promise<Conversation | undefined> {
    const change = changeOf(changes)
    if (change === undefined) return (await findConversations(ownerId, [id]))[0]
    const { matchedCount } = await guard.write(() => collection.updateOne(alive(ownerId, id), change))
    if (matchedCount === 0) return undefined
    // An `expiresAt` that this very change set may be past: the caller gets to see it once.
    return (await read({ _id: id, ownerId }, 1))[0]
  }

  async function listConversations(range: ConversationRange): Promise<Conversation[]> {
    const listed: Conversation[] = []
    let rest = range
    while (rest.limit > 0) {
      const page = await readConversationPage(collection, guard, rest)
      listed.push(...skipUnreadable(page, decodeConversation, onUnreadable).filter(isAlive))
      const last = page.at(-1)
      if (last === undefined || page.length < rest.limit) break
      // Usually the end. Those past their `expiresAt`, and those that cannot be read, fill no page, and are few.
      const key = { lastMessageAt: last.lastMessageAt.getTime(), id: last._id }
      const bound = range.from === 'NEWEST' ? { newer: key } : { older: key }
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
    // Documents are compared field by field in their order: the sequence decides, and a pair stays one.
    const $max = { [`heads.${branch}`]: { sequence, tokens }, lastMessageAt: new Date(lastMessageAt) }
    const update = () => collection.updateOne({ _id: conversationId }, { $max })
    await guard.write(() => changeInto(conversationId, 'heads', update))
  }

  async function switchBranch(ownerId: string, id: string, change: BranchSwitch): Promise<boolean> {
    const filter = { ...alive(ownerId, id), branchEpoch: change.fromEpoch }
    return (await guard.write(() => collection.updateOne(filter, switchOf(change)))).modifiedCount > 0
  }

  function markDeleted(ownerId: string, id: string, deletedAt: number): Promise<boolean> {
    return commitDeletion(ownerId, alive(ownerId, id), deletedAt)
  }

  async function findExpired(expiredAt: number, limit: number) {
    if (limit < 1) return []
    const filter = { expiresAt: { $gte: BEGINNING, $lte: new Date(expiredAt) } }
    const find = { sort: { expiresAt: 1 as const }, limit, batchSize: limit }
    const found = await guard.read((options) => collection.find(filter, { ...options, ...find }).toArray())
    return found.map(({ _id, ownerId = '' }) => ({ conversationId: _id, ownerId }))
  }

  function markExpired(ownerId: string, id: string, deletedAt: number): Promise<boolean> {
    return commitDeletion(ownerId, { _id: id, ownerId, expiresAt: { $lte: new Date(deletedAt) } }, deletedAt)
  }

  /** The external id is freed after the commit: whoever finds its claim in between frees it, too. */
  async function commitDeletion(
    ownerId: string,
    filter: Filter<ConversationDocument> & { _id: string },
    deletedAt: number,
  ) {
    const $set = { deletedAt: new Date(deletedAt), deletedOwnerId: ownerId }
    // The deletion finishes redactions under way.
    const $unset = { ownerId: true, expiresAt: true, redactions: true, dropDue: true } as const
    const { modifiedCount } = await guard.write(() => collection.updateOne(filter, { $set, $unset }))
    if (modifiedCount > 0) await freeExternalId(filter._id)
    return modifiedCount > 0
  }

  async function freeExternalId(_id: string): Promise<void> {
    const find = { projection: { externalId: 1, deletedOwnerId: 1 }, limit: 1 }
    const filter = { _id, deletedAt: { $gte: BEGINNING } }
    const [deleted] = await guard.read((options) => collection.find(filter, { ...options, ...find }).toArray())
    const { deletedOwnerId, externalId } = deleted ?? {}
    if (deletedOwnerId !== undefined && externalId !== undefined)
      await externalIds.release(deletedOwnerId, externalId, _id)
  }

  /** A claim must not outlive its conversation: who found it would make the conversation again. */
  async function removeConversation(conversationId: string): Promise<void> {
    await freeExternalId(conversationId)
    await guard.write(() => collection.deleteOne({ _id: conversationId, deletedAt: { $gte: BEGINNING } }))
  }

  async function findUnfinishedDeletions(deletedBefore: number, limit: number): Promise<UnfinishedDeletion[]> {
    if (limit < 1) return []
    const filter = { deletedAt: { $gte: BEGINNING, $lt: new Date(deletedBefore) } }
    const find = { sort: { deletedAt: 1 as const }, limit, batchSize: limit }
    const found = await guard.read((options) => collection.find(filter, { ...options, ...find }).toArray())
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
