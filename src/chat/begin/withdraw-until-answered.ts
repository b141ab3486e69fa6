import { setTimeout as delay } from 'node:timers/promises'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { ReplyLog } from '../log/reply-log.ts'

/** Between two attempts; milliseconds. */
const RETRY_MS = 1_000

/**
 * Withdraws a claim whose insert was sent and not answered: if it is there, it would block its conversation, and
 * its client id would lead to a reply that nobody runs. It is tried until it is answered or the claim's lease is
 * over: then others take it over. Never rejects, and does not keep the process.
 */
export async function withdrawUntilAnswered(
  { log, now }: { log: Pick<ReplyLog, 'notify'>; now: () => number },
  { id, leaseUntil }: Pick<ReplyRecord, 'id' | 'leaseUntil'>,
  withdraw: () => Promise<unknown>,
): Promise<void> {
  while (now() < leaseUntil) {
    try {
      await withdraw()
      // Who joined it claims again.
      log.notify(id)
      return
    } catch {
      await delay(RETRY_MS, undefined, { ref: false })
    }
  }
}
