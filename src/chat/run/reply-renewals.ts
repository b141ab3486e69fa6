import DataLoader from 'dataloader'
import { HistoryUnavailableError } from '../../errors.ts'
import type { ReplyRecords, ReplyRenewal } from '../../memory/history/reply-record.ts'

/** Saves the checkpoint of a running reply and renews its lease; false: it is not in RUN at that beat. */
export type RenewReply = (renewal: ReplyRenewal) => Promise<boolean>

/** Nothing waits for a renewal, and a lease is seconds long. */
const GATHER_MS = 20
/** So that no write of an embedded history holds up the rest for long. */
const MOST_AT_ONCE = 50

/**
 * The renewals of a node's runs, those of 20 ms in one write: a thousand replies are 50 writes a second instead of
 * a thousand. Where one of them is refused each is asked for alone, since it alone is to know.
 */
export function createReplyRenewals(records: Pick<ReplyRecords, 'change' | 'renew'>): RenewReply {
  async function renewAlone({ id, beat, changes }: ReplyRenewal): Promise<boolean | Error> {
    try {
      return await records.change(id, { phase: 'RUN', ...(beat !== undefined && { beat }) }, changes)
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    }
  }

  async function areAllRenewed(renewals: readonly ReplyRenewal[]): Promise<boolean> {
    try {
      return renewals.length > 1 && (await records.renew(renewals))
    } catch (error) {
      if (error instanceof HistoryUnavailableError) throw error
      // Of a text that its store cannot hold the others are to know nothing.
      return false
    }
  }

  const loader = new DataLoader<ReplyRenewal, boolean>(
    async (renewals) => {
      if (await areAllRenewed(renewals)) return renewals.map(() => true)
      return Promise.all(renewals.map(renewAlone))
    },
    { cache: false, maxBatchSize: MOST_AT_ONCE, batchScheduleFn: (run) => setTimeout(run, GATHER_MS) },
  )
  return (renewal) => loader.load(renewal)
}
