import type { History } from '../../../src/memory/history/history.ts'
import type { ReplyChanges, ReplyPhase, ReplyRecord, ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { conversationOfReply } from '../../../src/memory/ids.ts'

/** The stores of a node; in what it asks of them its protections show. */
export interface ReplyStores {
  records: ReplyRecords
  history: History
}

type Change = ReplyRecords['change']
type From = { phase: ReplyPhase; beat?: number }

const EVERY_PHASE: readonly ReplyPhase[] = ['RUN', 'STOP', 'SEALED', 'ENDED']

/**
 * The protections of the reply protocol (the table of its part B), and for each the stores of a node that does
 * without it: they do as if its code had not asked for it.
 */
export const PROTECTIONS = {
  /** The seal comes to the store only with the end, behind the message. */
  'seal before append': ({ records, history }) => {
    const held = new Map<string, [From, ReplyChanges]>()
    const change: Change = async (id, from, changes) => {
      if (isOwnSeal(changes)) return Boolean(held.set(id, [from, changes]))
      const seal = changes.phase === 'ENDED' ? held.get(id) : undefined
      if (seal) await records.change(id, ...seal)
      return records.change(id, from, changes)
    }
    return { history, records: { ...records, change } }
  },

  'phase in the filter': ({ records, history }) => {
    const change: Change = async (id, from, changes) => {
      const phases = changes.phase === undefined ? [from.phase] : [from.phase, ...EVERY_PHASE]
      for (const phase of phases) if (await records.change(id, { ...from, phase }, changes)) return true
      return false
    }
    return { history, records: { ...records, change } }
  },

  'beat in the takeover': ({ records, history }) => {
    const change: Change = (id, from, changes) =>
      records.change(id, changes.phase === 'SEALED' ? { phase: from.phase } : from, changes)
    return { history, records: { ...records, change } }
  },

  'beat in the renewal': ({ records, history }) => {
    const change: Change = (id, from, changes) =>
      records.change(id, changes.bumpBeat ? { phase: from.phase } : from, changes)
    const renew: ReplyRecords['renew'] = (renewals) => records.renew(renewals.map(({ beat: _, ...rest }) => rest))
    return { history, records: { ...records, change, renew } }
  },

  'r: key': ({ records, history }) => {
    const insertMessages: History['insertMessages'] = (messages, options) =>
      history.insertMessages(
        messages.map(({ replyId: _, ...message }) => message),
        options,
      )
    return { records, history: { ...history, insertMessages } }
  },

  'append before ENDED': ({ records, history }) => {
    const insertMessages: History['insertMessages'] = async (messages, options) => {
      const end = { phase: 'ENDED', active: false, endedAt: Date.now() } as const
      for (const { replyId } of messages) if (replyId) await records.change(replyId, { phase: 'SEALED' }, end)
      return history.insertMessages(messages, options)
    }
    // What the end says besides comes when the message is stored.
    const change: Change = async (id, from, changes) =>
      (await records.change(id, from, changes)) ||
      (changes.phase === 'ENDED' && from.phase === 'SEALED' && records.change(id, { phase: 'ENDED' }, changes))
    return { records: { ...records, change }, history: { ...history, insertMessages } }
  },

  'finisher stores the question': ({ records, history }) => {
    const withoutQuestion = (record: ReplyRecord): ReplyRecord => {
      const { question: _, ...others } = record
      return record.phase === 'SEALED' ? others : record
    }
    return { history, records: { ...records, ...foundAs(records, withoutQuestion) } }
  },

  /** The insert is answered before it is done. */
  'emit gate': ({ records, history }) => {
    const insertMessages: History['insertMessages'] = async (messages, options) => {
      if (messages.some(({ role }) => role !== 'USER')) return history.insertMessages(messages, options)
      history.insertMessages(messages, options).catch(() => {})
      return { inserted: messages.length, duplicate: false }
    }
    return { records, history: { ...history, insertMessages } }
  },

  'clientMessageId kept after the end': ({ records, history }) => {
    const change: Change = async (id, from, changes) => {
      const isChanged = await records.change(id, from, changes)
      if (isChanged && changes.phase === 'ENDED') await records.remove(conversationOfReply(id) ?? '', [id])
      return isChanged
    }
    return { history, records: { ...records, change } }
  },

  /** Of a promotion whose answer was lost its node finds nothing, as if it took a run that it does not know for another's. */
  'an own RUN is run': ({ records, history }) => {
    const lost = new Set<string>()
    const change: Change = async (id, from, changes) => {
      try {
        return await records.change(id, from, changes)
      } catch (error) {
        if (from.phase === 'QUEUED' && changes.phase === 'RUN') lost.add(id)
        throw error
      }
    }
    const find: ReplyRecords['find'] = async (ownerId, id) => {
      const found = await records.find(ownerId, id)
      return lost.has(id) && found?.phase === 'RUN' ? undefined : found
    }
    return { history, records: { ...records, change, find } }
  },

  'STOP at beat 0 is uncertain': ({ records, history }) => {
    const asCertain = (record: ReplyRecord): ReplyRecord =>
      record.phase === 'STOP' && record.beat === 0 ? { ...record, beat: 1 } : record
    return { history, records: { ...records, ...foundAs(records, asCertain) } }
  },
} satisfies Record<string, (stores: ReplyStores) => ReplyStores>

/** One of them, by what it is called in the protocol. */
export type Protection = keyof typeof PROTECTIONS

/** That of the node that ran the reply: a takeover leaves the text as it is. */
export function isOwnSeal({ phase, text }: ReplyChanges): boolean {
  return phase === 'SEALED' && text !== undefined
}

/** The look-ups of single replies, which find them changed. */
function foundAs(records: ReplyRecords, changed: (record: ReplyRecord) => ReplyRecord): Partial<ReplyRecords> {
  const ifFound = async (finding: Promise<ReplyRecord | undefined>) => {
    const found = await finding
    return found && changed(found)
  }
  return {
    find: (...args) => ifFound(records.find(...args)),
    findActive: (...args) => ifFound(records.findActive(...args)),
    findByClientMessageId: (...args) => ifFound(records.findByClientMessageId(...args)),
    findLeaseOver: async (...args) => (await records.findLeaseOver(...args)).map(changed),
  }
}
