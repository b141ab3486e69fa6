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
    find: () => records.find(reply.id),
    findByClientMessageId: () => records.findByClientMessageId(id, 'x'),
    findActive: () => records.findActive(id),
    findNewest: () => records.findNewest(id),
    findQueued: () => records.findQueued(id, 10),
    change: () => records.change(reply.id, { phase: 'RUN', beat: 0 }, { phase: 'STOP', stop: 'CANCELLED' }),
    renew: () => records.renew([{ id: reply.id, changes: { text: '' } }]),
    findLeaseOver: () => records.findLeaseOver(5, 10),
    redact: () => records.redact(reply.id, { text: '' }),
    withdraw: () => records.withdraw(reply.id),
    remove: () => records.remove(id, 10),
  }
}
