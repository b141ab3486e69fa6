/** Where the faults of replies go that are tried again. */
export interface FaultHooks {
  /** The first fault of a series: a checkpoint, a seal or a read of the record that is tried again, and the last where it is given up. */
  onFault: (replyId: string, error: unknown) => void
  /** What failed has succeeded. */
  onRecovered?: (replyId: string) => void
}

/** The faults of one reply, of which each series is reported once: a store that is away fails every second. */
export interface FaultSeries {
  onFault(error: unknown): void
  onSuccess(): void
}

/** A series that has not begun. */
export function createFaultSeries(replyId: string, hooks: FaultHooks): FaultSeries {
  let hasFailed = false

  function onFault(error: unknown): void {
    if (!hasFailed) hooks.onFault(replyId, error)
    hasFailed = true
  }

  function onSuccess(): void {
    if (hasFailed) hooks.onRecovered?.(replyId)
    hasFailed = false
  }

  return { onFault, onSuccess }
}
