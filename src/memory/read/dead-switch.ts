import type { Register } from '../cache/cache.ts'
import type { Conversation } from '../conversation.ts'
import type { History } from '../history/history.ts'
import type { Writer } from '../writer.ts'

/** What the end of a dead switch needs; `now` gives epoch milliseconds. */
export interface DeadSwitchDeps {
  history: Pick<History, 'switchBranch'>
  writer: Pick<Writer, 'run'>
  now: () => number
}

/** An epoch that rose longer ago is taken for a dead switch's; one that lives after all loses its update and begins again. */
const DEAD_AFTER_MS = 60_000

/**
 * A switch that died after its mark leaves an epoch in the register that no conversation reaches: every read
 * would go to history for ever. Raises the conversation's epoch to it, in the background (protocol A3).
 */
export function endDeadSwitch(
  { history, writer, now }: DeadSwitchDeps,
  { id, ownerId, branchEpoch: fromEpoch }: Conversation,
  { epoch: toEpoch, raisedAt }: Register,
): void {
  if (toEpoch <= fromEpoch || now() - raisedAt <= DEAD_AFTER_MS) return
  writer.run(id, async () => void (await history.switchBranch(ownerId, id, { fromEpoch, toEpoch })))
}
