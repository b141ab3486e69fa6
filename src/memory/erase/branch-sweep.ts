import type { History } from '../history/history.ts'
import { sweepEach } from './sweep-each.ts'

/** An edit whose branch is not listed after so long was left by its client or its node. */
const LEFT_AFTER_MS = 3_600_000
/** Branches that one sweep removes, and messages that it finds them by. */
const SWEEP_LIMIT = 100

/** Removes what edits stored that never came to be seen (protocol A3); `now` returns epoch milliseconds. */
export async function sweepUnlistedBranches(
  history: Pick<History, 'findUnlistedBranches' | 'removeUnlistedBranch' | 'renewUnlistedBranch'>,
  now: number,
): Promise<void> {
  const left = await history.findUnlistedBranches(now - LEFT_AFTER_MS, SWEEP_LIMIT)
  await sweepEach(
    left,
    async ({ conversationId, branch }) => void (await history.removeUnlistedBranch(conversationId, branch)),
    ({ conversationId, branch }) => history.renewUnlistedBranch(conversationId, branch, now),
  )
}
