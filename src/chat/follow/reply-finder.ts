import { HistoryUnavailableError, NotFoundError } from '../../errors.ts'
import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import type { Message } from '../../memory/message.ts'
import type { ReplyFinisher } from '../end/reply-finisher.ts'
import type { ReplyRuns } from '../run/reply-runs.ts'
import type { ReplyView } from './reply-view.ts'

/**
 * Finds replies; what dead nodes left undone is done on the way, and what cannot be done now is shown as it is stored. A
 * foreign one is answered as a missing one, and so is one whose conversation is deleted or expired: its record may
 * still be there. The conversations of all that one call finds are one look-up.
 */
export interface ReplyFinder {
  find(ownerId: string, id: string): Promise<ReplyRecord | undefined>
  /** NotFoundError for a missing or foreign reply. */
  findOwned(ownerId: string, id: string): Promise<ReplyRecord>
  findActive(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined>
  /** As `find`, of many in the order asked: two round trips where no dead node left anything undone. */
  findMany(ownerId: string, ids: readonly string[]): Promise<(ReplyRecord | undefined)[]>
  /** The same for the active replies of many conversations. */
  findActiveMany(ownerId: string, conversationIds: readonly string[]): Promise<(ReplyRecord | undefined)[]>
  /** The active reply of a conversation, else the newest. */
  findNewest(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined>
  /** Of many conversations the replies that were asked for last, also where they wait. */
  findLastMany(ownerId: string, conversationIds: readonly string[]): Promise<(ReplyRecord | undefined)[]>
  /** The reply that wrote a message of the owner, or else the first that answers it. */
  findOfMessage(
    ownerId: string,
    message: Pick<Message, 'conversationId' | 'replyId' | 'clientMessageId'>,
  ): Promise<ReplyRecord | undefined>
  /** Does what a dead node left undone of a reply, also where its conversation is absent; undefined where it is gone. */
  settle(record: ReplyRecord): Promise<ReplyRecord | undefined>
}

/** What finding a reply is made with. */
export interface ReplyFinderDeps {
  records: ReplyRecords
  memory: Pick<Memory, 'findConversations'>
  finisher: ReplyFinisher
  runs: Pick<ReplyRuns, 'find'>
}

/** Finds replies of an owner, and ends on the way what a dead node left. */
export function createReplyFinder({ records, memory, finisher, runs }: ReplyFinderDeps): ReplyFinder {
  async function find(ownerId: string, id: string): Promise<ReplyRecord | undefined> {
    return show(ownerId, await records.find(ownerId, id))
  }

  async function show(ownerId: string, record: ReplyRecord | undefined): Promise<ReplyRecord | undefined> {
    return (await showMany(ownerId, [record]))[0]
  }

  /** Records as clients get them. The conversations are read last: what was deleted before is not shown. */
  async function showMany(ownerId: string, found: readonly (ReplyRecord | undefined)[]) {
    const current = await Promise.all(found.map((record) => record && refresh(record)))
    const wanted = new Set(current.flatMap((record) => record?.conversationId ?? []))
    if (wanted.size === 0) return current
    const conversations = await memory.findConversations(ownerId, [...wanted])
    const existing = new Set(conversations.map((conversation) => conversation?.id))
    return current.map((record) => (existing.has(record?.conversationId) ? record : undefined))
  }

  /** A record as it stands; where the store takes no write, its end comes later. */
  async function refresh(record: ReplyRecord): Promise<ReplyRecord | undefined> {
    try {
      return await settle(record)
    } catch (error) {
      if (error instanceof HistoryUnavailableError) return record
      throw error
    }
  }

  async function settle(record: ReplyRecord): Promise<ReplyRecord | undefined> {
    const { id, ownerId, phase } = record
    if (phase === 'SEALED') return finisher.finish(record)
    if (!(await finisher.takeOver(record))) return asKnownHere(record, runs.find(id)?.view)
    const taken = await records.find(ownerId, id)
    return taken && settle(taken)
  }

  async function findOwned(ownerId: string, id: string): Promise<ReplyRecord> {
    const record = await find(ownerId, id)
    if (record === undefined) throw new NotFoundError('reply', id)
    return record
  }

  async function findActive(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined> {
    return ifActive(await show(ownerId, await records.findActive(ownerId, conversationId)))
  }

  async function findMany(ownerId: string, ids: readonly string[]): Promise<(ReplyRecord | undefined)[]> {
    return showMany(ownerId, await records.findMany(ownerId, ids))
  }

  async function findActiveMany(ownerId: string, conversationIds: readonly string[]) {
    return (await showMany(ownerId, await records.findActiveMany(ownerId, conversationIds))).map(ifActive)
  }

  async function findNewest(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined> {
    const record =
      (await records.findActive(ownerId, conversationId)) ?? (await records.findNewest(ownerId, conversationId))
    return show(ownerId, record)
  }

  async function findLastMany(ownerId: string, conversationIds: readonly string[]) {
    return showMany(ownerId, await records.findNewestMany(ownerId, conversationIds))
  }

  async function findOfMessage(
    ownerId: string,
    { conversationId, replyId, clientMessageId }: Pick<Message, 'conversationId' | 'replyId' | 'clientMessageId'>,
  ): Promise<ReplyRecord | undefined> {
    if (replyId !== undefined) return find(ownerId, replyId)
    if (clientMessageId === undefined) return undefined
    return show(ownerId, await records.findByClientMessageId(ownerId, conversationId, clientMessageId))
  }

  return { find, findMany, findOwned, findActive, findActiveMany, findNewest, findLastMany, findOfMessage, settle }
}

function ifActive(record: ReplyRecord | undefined): ReplyRecord | undefined {
  return record?.active ? record : undefined
}

/** With what a run here has published since its last checkpoint. */
function asKnownHere(record: ReplyRecord, view: ReplyView | undefined): ReplyRecord {
  if (view?.start === undefined || (record.phase !== 'RUN' && record.phase !== 'STOP')) return record
  const text = view.text.length > record.text.length ? view.text.from(0) : record.text
  return { ...record, questionId: view.start.question.id, model: view.start.model, text }
}
