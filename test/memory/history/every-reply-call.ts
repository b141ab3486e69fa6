import type { ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import { sampleReply } from './reply-samples.ts'

/** A call of each method, by its name. */
export function everyReplyCall(records: ReplyRecords): Record<keyof ReplyRecords, () => Promise<unknown>> {
  const id = createConversationId()
  const reply = sampleReply(id)
  return {
    prepare: () => records.prepare(),
    insert: () => records.insert(reply),
    find: () => records.find('ann', reply.id),
    findMany: () => records.findMany('ann', [reply.id]),
    findByClientMessageId: () => records.findByClientMessageId('ann', id, 'x'),
    findActive: () => records.findActive('ann', id),
    findNewest: () => records.findNewest('ann', id),
    findActiveMany: () => records.findActiveMany('ann', [id]),
    findNewestMany: () => records.findNewestMany('ann', [id]),
    findQueued: () => records.findQueued('ann', id, 10),
    change: () => records.change(reply.id, { phase: 'RUN', beat: 0 }, { phase: 'STOP', stop: 'CANCELLED' }),
    renew: () => records.renew([{ id: reply.id, changes: { text: '' } }]),
    findLeaseOver: () => records.findLeaseOver(5, 10),
    findQueuedLeaseOver: () => records.findQueuedLeaseOver(5, 10),
    redact: () => records.redact(reply.id, { text: '' }),
    withdraw: () => records.withdraw(reply.id),
    withdrawQueued: () => records.withdrawQueued(reply.id, 0),
    findIds: () => records.findIds(id, 10),
    remove: () => records.remove(id, [reply.id]),
  }
}
