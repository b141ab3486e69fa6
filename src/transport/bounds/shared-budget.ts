/** Bytes that all clients hold together. */
export interface SharedBudget {
  /** A share of nothing yet. `drop` is called when it has to go for others. */
  open(drop: () => void): Share
}

/** What one client holds. */
export interface Share {
  /** Sets its bytes. Where that is too much for all, shares go until it is not: first whoever has not done this for longest. */
  hold(bytes: number): void
  /** From here on it counts, and does not go. */
  keep(): void
  close(): void
}

/** Who moves on stays: one that sends or reads steadily is never dropped for those that have stopped. */
export function createSharedBudget(maxBytes: number): SharedBudget {
  /** Those that may go, whoever moved on last at the end. */
  const droppable = new Map<Share, () => void>()
  let used = 0

  function open(drop: () => void): Share {
    let held = 0
    let isOpen = true

    function hold(bytes: number): void {
      if (!isOpen) return
      used += bytes - held
      held = bytes
      if (droppable.delete(share)) droppable.set(share, drop)
      makeRoom()
    }

    function close(): void {
      isOpen = false
      used -= held
      held = 0
      droppable.delete(share)
    }

    const share: Share = { hold, keep: () => void droppable.delete(share), close }
    droppable.set(share, drop)
    return share
  }

  function makeRoom(): void {
    for (const [share, drop] of droppable) {
      if (used <= maxBytes) return
      share.close()
      drop()
    }
  }

  return { open }
}
