import type { History } from '../../../src/memory/history/history.ts'
import { sampleConversation, sampleMessage } from './stored-samples.ts'

/** A call of each method but `close`, by its name. */
export function everyHistoryCall(history: History): Record<Exclude<keyof History, 'close'>, () => Promise<unknown>> {
  const { id } = sampleConversation()
  const message = sampleMessage(id, 1)
  const place = { conversationId: id, branch: '0', limit: 10 }
  const list = { ownerId: 'ann', archived: false, limit: 10, from: 'NEWEST' as const }
  return {
    prepare: () => history.prepare(),
    findConversations: () => history.findConversations('ann', [id]),
    findConversationByExternalId: () => history.findConversationByExternalId('ann', 'x'),
    createConversation: () => history.createConversation(sampleConversation()),
    updateConversation: () => history.updateConversation('ann', id, { title: 'x' }),
    listConversations: () => history.listConversations({ ...list, newer: { lastMessageAt: 5, id } }),
    raiseHead: () => history.raiseHead(id, '0', { sequence: 1, tokens: 10 }, 5),
    switchBranch: () => history.switchBranch('ann', id, { fromEpoch: 0, toEpoch: 1, branch: 'k3' }),
    insertMessages: () => history.insertMessages([message]),
    readTokenRange: () => history.readTokenRange({ ...place, fromTokens: 0 }),
    readSequenceRange: () =>
      history.readSequenceRange({ ...place, afterSequence: 0, beforeSequence: 9, from: 'OLDEST' }),
    readHeads: () => history.readHeads([{ conversationId: id, branch: '0', hint: { sequence: 0, tokens: 0 } }]),
    findMessages: () => history.findMessages([message.id]),
    findByIdempotencyKeys: () => history.findByIdempotencyKeys(id, ['c:x']),
    updateMessageMetadata: () => history.updateMessageMetadata(message.id, { a: 1 }),
    redactMessage: () => history.redactMessage(message.id, []),
    markDropDue: () => history.markDropDue('ann', id, 5, message.id),
    findDueDrops: () => history.findDueDrops(5, 10),
    settleDrop: () => history.settleDrop(id, 5),
    markDeleted: () => history.markDeleted('ann', id, 5),
    findUnlistedBranches: () => history.findUnlistedBranches(5, 10),
    renewUnlistedBranch: () => history.renewUnlistedBranch(id, 'k3', 5),
    isBranchWhole: () => history.isBranchWhole(id, 'k3', 3, 4),
    removeUnlistedBranch: () => history.removeUnlistedBranch(id, 'k3'),
    findExpired: () => history.findExpired(5, 10),
    markExpired: () => history.markExpired('ann', id, 5),
    removeMessages: () => history.removeMessages(id, 10),
    removeConversation: () => history.removeConversation(id),
    findUnfinishedDeletions: () => history.findUnfinishedDeletions(5, 10),
  }
}
