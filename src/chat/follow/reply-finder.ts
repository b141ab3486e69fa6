import { NotFoundError } from '../../errors.ts'
import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import type { ReplyFinisher } from '../end/reply-finisher.ts'
import type { ReplyRuns } from '../run/reply-runs.ts'
import type { ReplyView } from './reply-view.ts'

/** Finds replies; what dead nodes left undone is done on the way. A foreign one is answered as a missing one. */
export interface ReplyFinder {
  find(ownerId: string, id: string): Promise<ReplyRecord | undefined>
  /** NotFoundError for a missing or foreign reply. */
  findOwned(ownerId: string, id: string): Promise<ReplyRecord>
  findActive(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined>
  /** The active reply of a conversation, else the newest. */
  findNewest(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined>
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
    if (record === undefined) return undefined
    if (record.phase === 'SEALED') return finisher.finish(record)
    return (await finisher.takeOver(record)) ? find(ownerId, id) : asKnownHere(record, runs.find(id)?.view)
  }

  async function findOwned(ownerId: string, id: string): Promise<ReplyRecord> {
    const record = await find(ownerId, id)
    if (record === undefined) throw new NotFoundError('reply', id)
    return record
  }

  async function findActive(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined> {
    const active = await records.findActive(ownerId, conversationId)
    const current = active && (await find(ownerId, active.id))
    return current?.active ? current : undefined
  }

  async function findNewest(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined> {
    const record =
      (await records.findActive(ownerId, conversationId)) ?? (await records.findNewest(ownerId, conversationId))
    return record && find(ownerId, record.id)
  }

  return { find, findOwned, findActive, findNewest }
}

/** With what a run here has published since its last checkpoint. */
function asKnownHere(record: ReplyRecord, view: ReplyView | undefined): ReplyRecord {
  if (view?.start === undefined || (record.phase !== 'RUN' && record.phase !== 'STOP')) return record
  const text = view.text.length > record.text.length ? view.text.from(0) : record.text
  return { ...record, questionId: view.start.question.id, model: view.start.model, text }
}
