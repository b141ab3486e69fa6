import { NotFoundError } from '../../../src/errors.ts'
import type { Consistency, Context } from '../../../src/memory/context.ts'
import { ROOT_BRANCH } from '../../../src/memory/conversation.ts'
import { contentOf, type Message } from '../../../src/memory/message.ts'
import type { ModelHistory } from './model-history.ts'

/** What was acknowledged, and what every read therefore owes (protocol A6). */
export interface Ledger {
  /** The history, with the landing of its commits written down. */
  history: ModelHistory
  /** A step of the cache was lost or late, or its register: what is not yet acknowledged may be missed. */
  noteLoss(kind: 'mark' | 'register' | 'drop'): void
  /** An operation begins; what it returns is told when it is acknowledged. */
  begin(): Acknowledgement
  failed(error: unknown): void
  /** What was owed and not kept; empty in a correct world. */
  violations: string[]
  /** How many reads were checked. */
  reads: number
}

interface Acknowledgement {
  appended(messages: readonly Message[]): void
  switched(epoch: number): void
  deleted(): void
  read(consistency: Consistency, answer: Context | Error | undefined): void
}

interface Debt {
  branch: string
  acknowledgedAt: number
  /** The cache lost what EVENTUAL reads would have known it by. */
  isExempt: boolean
}

export function createLedger(model: ModelHistory): Ledger {
  let clock = 0
  const losses = { mark: 0, register: 0, drop: 0 }
  const appends: (Debt & { sequence: number })[] = []
  const switches: (Debt & { epoch: number; landedAt: number })[] = [
    { branch: ROOT_BRANCH, epoch: 0, landedAt: 0, acknowledgedAt: 0, isExempt: false },
  ]
  const deletion = { landedAt: Number.POSITIVE_INFINITY, acknowledgedAt: Number.POSITIVE_INFINITY }

  const history: ModelHistory = {
    ...model,
    async switchBranch(fromEpoch, branch) {
      const isSwitched = await model.switchBranch(fromEpoch, branch)
      const landing = { epoch: fromEpoch + 1, branch, landedAt: ++clock }
      if (isSwitched) switches.push({ ...landing, acknowledgedAt: Number.POSITIVE_INFINITY, isExempt: false })
      return isSwitched
    },
    async markDeleted(...args) {
      const isDeleted = await model.markDeleted(...args)
      if (isDeleted) deletion.landedAt = ++clock
      return isDeleted
    },
  }

  /** The branches that a read may show: the last one it must know of, and every later one. */
  function shownBranches(consistency: Consistency, startedAt: number): Set<string> {
    const known = switches.findLastIndex(
      ({ acknowledgedAt, isExempt }) => acknowledgedAt < startedAt && (consistency === 'STRONG' || !isExempt),
    )
    return new Set(switches.slice(known).map(({ branch }) => branch))
  }

  function owedLength(branch: string, consistency: Consistency, startedAt: number): number {
    const owed = appends.filter(
      (append) =>
        append.branch === branch && append.acknowledgedAt < startedAt && (consistency === 'STRONG' || !append.isExempt),
    )
    return Math.max(0, ...owed.map(({ sequence }) => sequence))
  }

  function faultOf(
    consistency: Consistency,
    startedAt: number,
    answer: Context | Error | undefined,
  ): string | undefined {
    if (answer instanceof NotFoundError) return deletion.landedAt < clock ? undefined : 'it is not deleted'
    if (deletion.acknowledgedAt < startedAt) return 'it is deleted'
    if (answer === undefined || answer instanceof Error) return deletion.landedAt < clock ? undefined : String(answer)
    if (deletion.landedAt < clock) return undefined
    const texts = answer.messages.map(({ parts }) => contentOf(parts))
    const faults = [...shownBranches(consistency, startedAt)].map((branch) => {
      const path = model.log(branch).map(({ parts }) => contentOf(parts))
      const owed = owedLength(branch, consistency, startedAt)
      if (texts.some((text, index) => text !== path[index])) return `[${texts}] is not the path [${path}] of ${branch}`
      return texts.length < owed ? `[${texts}] lacks what was acknowledged up to ${owed} of ${branch}` : undefined
    })
    return faults.includes(undefined) ? undefined : faults.join('; ')
  }

  const ledger: Ledger = {
    history,
    violations: [],
    reads: 0,
    noteLoss(kind) {
      losses[kind] += 1
    },
    failed(error) {
      if (deletion.landedAt === Number.POSITIVE_INFINITY) ledger.violations.push(`An operation failed: ${error}`)
    },
    begin() {
      const startedAt = ++clock
      const before = { ...losses }
      const isExempt = () => before.mark !== losses.mark || before.register !== losses.register
      return {
        appended(messages) {
          const debt = { acknowledgedAt: ++clock, isExempt: isExempt() }
          appends.push(...messages.map(({ branch, sequence }) => ({ branch, sequence, ...debt })))
        },
        switched(epoch) {
          const landed = switches.find((candidate) => candidate.epoch === epoch)
          if (landed !== undefined) Object.assign(landed, { acknowledgedAt: ++clock, isExempt: isExempt() })
        },
        deleted() {
          if (before.drop === losses.drop) deletion.acknowledgedAt = ++clock
        },
        read(consistency, answer) {
          clock += 1
          ledger.reads += 1
          const fault = faultOf(consistency, startedAt, answer)
          if (fault !== undefined) ledger.violations.push(`${consistency} read: ${fault}`)
        },
      }
    },
  }
  return ledger
}
