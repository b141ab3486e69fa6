import { NotFoundError } from '../../errors.ts'
import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import type { Message } from '../../memory/message.ts'
import type { ReplyFinisher } from '../end/reply-finisher.ts'
import type { ReplyRuns } from '../run/reply-runs.ts'
import type { ReplyView } from './reply-view.ts'

/** Finds replies; what dead nodes left undone is done on the way. A foreign one is answered as a missing one. */
export interface ReplyFinder {
  find(ownerId: string, id: string): Promise<ReplyRecord | undefined>
  /** NotFoundError for a missing or foreign reply. */
  findOwned(ownerId: string, id: string): Promise<ReplyRecord>
  findActive(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined>
  /** As `find`, of many in the order asked: one round trip where no dead node left anything undone. */
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
}

/** What finding a reply is made with. */
export interface ReplyFinderDeps {
  records: ReplyRecords
  finisher: ReplyFinisher
  runs: Pick<ReplyRuns, 'find'>
}

/** Finds replies of an owner, and ends on the way what a dead node left. */
export function createReplyFinder({ records, finisher, runs }: ReplyFinderDeps): ReplyFinder {
  async function find(ownerId: string, id: string): Promise<ReplyRecord | undefined> {
    const record = await records.find(ownerId, id)
    return record && refresh(record)
  }

  /** A record as it stands when what a dead node left undone is done. */
  async function refresh(record: ReplyRecord): Promise<ReplyRecord | undefined> {
    const { id, ownerId, phase } = record
    if (phase === 'SEALED') return finisher.finish(record)
    return (await finisher.takeOver(record)) ? find(ownerId, id) : asKnownHere(record, runs.find(id)?.view)
  }

  async function findOwned(ownerId: string, id: string): Promise<ReplyRecord> {
    const record = await find(ownerId, id)
    if (record === undefined) throw new NotFoundError('reply', id)
    return record
  }

  async function findActive(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined> {
    return ifActive(await records.findActive(ownerId, conversationId))
  }

  async function ifActive(record: ReplyRecord | undefined): Promise<ReplyRecord | undefined> {
    const current = record && (await refresh(record))
    return current?.active ? current : undefined
  }

  async function findMany(ownerId: string, ids: readonly string[]): Promise<(ReplyRecord | undefined)[]> {
    const found = await records.findMany(ownerId, ids)
    return Promise.all(found.map((record) => record && refresh(record)))
  }

  async function findActiveMany(ownerId: string, conversationIds: readonly string[]) {
    return Promise.all((await records.findActiveMany(ownerId, conversationIds)).map(ifActive))
  }

  async function findNewest(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined> {
    const record =
      (await records.findActive(ownerId, conversationId)) ?? (await records.findNewest(ownerId, conversationId))
    return record && refresh(record)
  }

  async function findLastMany(ownerId: string, conversationIds: readonly string[]) {
    const found = await records.findNewestMany(ownerId, conversationIds)
    return Promise.all(found.map((record) => record && refresh(record)))
  }

  async function findOfMessage(
    ownerId: string,
    { conversationId, replyId, clientMessageId }: Pick<Message, 'conversationId' | 'replyId' | 'clientMessageId'>,
  ): Promise<ReplyRecord | undefined> {
    if (replyId !== undefined) return find(ownerId, replyId)
    if (clientMessageId === undefined) return undefined
    const record = await records.findByClientMessageId(ownerId, conversationId, clientMessageId)
    return record && refresh(record)
  }

  return { find, findMany, findOwned, findActive, findActiveMany, findNewest, findLastMany, findOfMessage }
}

/** With what a run here has published since its last checkpoint. */
function asKnownHere(record: ReplyRecord, view: ReplyView | undefined): ReplyRecord {
  if (view?.start === undefined || (record.phase !== 'RUN' && record.phase !== 'STOP')) return record
  const text = view.text.length > record.text.length ? view.text.from(0) : record.text
  return { ...record, questionId: view.start.question.id, model: view.start.model, text }
}
