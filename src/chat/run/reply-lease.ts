import type { ReplyChanges, ReplyRecord } from '../../memory/history/reply-record.ts'
import type { RenewReply } from './reply-renewals.ts'

/** The lease of a run. Its renewal is the checkpoint of the text (protocol B3). */
export interface ReplyLease {
  /** By our own clock: false when it may be another's by now. */
  isHeld(): boolean
  /** Renews it now, and from now on at the interval, or less often while there is nothing new to save. */
  start(): void
  /** No further renewal. */
  stop(): void
}

/** What a lease is renewed with, and what is called then. */
export interface ReplyLeaseDeps {
  renew: RenewReply
  /** Epoch milliseconds. */
  now: () => number
  /** What a renewal saves along. */
  state(): Promise<ReplyChanges>
  /** Whether that is more than the last renewal saved. */
  hasNews(): boolean
  onRenewed(): void
  /** It changed nothing. Resolves to the beat where the record runs at another one; else somebody else has decided. */
  onRefused(): Promise<number | undefined>
  onFault(error: unknown): void
}

/** How long a lease holds without a renewal, and how often it is renewed; milliseconds. */
export interface ReplyLeaseLimits {
  leaseMs: number
  checkpointMs: number
}

/** A renewal that saves nothing new can wait so long: a thousand silent models are not a thousand writes a second. */
const SILENT_SHARE = 1 / 3

/** The lease that a claim began, counted from when its `leaseUntil` was computed. */
export function createReplyLease(
  { renew, now, state, hasNews, onRenewed, onRefused, onFault }: ReplyLeaseDeps,
  { leaseMs, checkpointMs }: ReplyLeaseLimits,
  { id, beat: firstBeat, leaseUntil }: ReplyRecord,
): ReplyLease {
  let endsAt = performance.now() + leaseUntil - now()
  let beat = firstBeat
  let timer: NodeJS.Timeout | undefined
  let isOver = false

  function renewIn(delayMs: number): void {
    if (!isOver) timer = setTimeout(() => void renewIfDue(), delayMs)
  }

  async function renewIfDue(): Promise<void> {
    const isDue = performance.now() >= endsAt - leaseMs * (1 - SILENT_SHARE)
    if (isDue || hasNews()) await renewNow()
    else renewIn(checkpointMs)
  }

  async function renewNow(): Promise<void> {
    const sentAt = performance.now()
    try {
      const changes = { leaseUntil: now() + leaseMs, bumpBeat: true as const, ...(await state()) }
      if (await renew({ id, beat, changes })) {
        beat += 1
        endsAt = sentAt + leaseMs
        onRenewed()
      } else if (!isOver) {
        // An own one whose answer was lost, or that landed late: the next one goes on from its beat.
        beat = (await onRefused()) ?? beat
      }
    } catch (error) {
      // One that was gathered with others may come when all is closed.
      if (!isOver) onFault(error)
    }
    renewIn(checkpointMs)
  }

  function isHeld(): boolean {
    return performance.now() <= endsAt
  }

  function start(): void {
    renewIn(0)
  }

  function stop(): void {
    isOver = true
    clearTimeout(timer)
  }

  return { isHeld, start, stop }
}
