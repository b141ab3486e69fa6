import { NotFoundError } from '../../../src/errors.ts'
import type { Placed } from '../../../src/memory/append/appender.ts'
import type { Consistency, Context } from '../../../src/memory/context.ts'
import { type Conversation, ROOT_BRANCH } from '../../../src/memory/conversation.ts'
import { contentOf, type Message } from '../../../src/memory/message.ts'
import type { Path } from '../../../src/memory/read/path.ts'
import type { AppendPoint } from '../../../src/memory/versions/new-branch.ts'
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
  /** What the reads answered; each was checked. */
  answers: (Context | Error | undefined)[]
}

interface Acknowledgement {
  appended(conversation: Conversation, messages: readonly Message[]): void
  /** A question, behind the path that its model was given. */
  asked(turn: AppendPoint & { path: Path }, placed: Placed): void
  selected(conversation: Conversation): void
  deleted(): void
  read(consistency: Consistency, answer: Context | Error | undefined): void
}

interface Debt {
  acknowledgedAt: number
  /** The cache lost what EVENTUAL reads would have known it by. */
  isExempt: boolean
}

export function createLedger(model: ModelHistory): Ledger {
  let clock = 0
  const losses = { mark: 0, register: 0, drop: 0 }
  const appends: (Debt & { branch: string; sequence: number })[] = []
  const epochs: (Debt & { epoch: number })[] = []
  const switches = [{ epoch: 0, branch: ROOT_BRANCH, lists: ROOT_BRANCH }]
  const deletion = { landedAt: Number.POSITIVE_INFINITY, acknowledgedAt: Number.POSITIVE_INFINITY }

  const history: ModelHistory = {
    ...model,
    async switchBranch(ownerId, id, change) {
      const isSwitched = await model.switchBranch(ownerId, id, change)
      const branch = change.branch ?? switches.at(-1)?.branch ?? ROOT_BRANCH
      if (isSwitched) switches.push({ epoch: change.toEpoch, branch, lists: change.newBranch?.branch.id ?? '' })
      const { newBranch } = change
      if (isSwitched && newBranch && model.log(newBranch.branch.id)[0]?.sequence !== newBranch.branch.atSequence) {
        ledger.violations.push(`${branch} is listed without its first message`)
      }
      return isSwitched
    },
    async markDeleted(...args) {
      const isDeleted = await model.markDeleted(...args)
      if (isDeleted) deletion.landedAt = ++clock
      return isDeleted
    },
  }

  function owedOf<D extends Debt>(debts: readonly D[], consistency: Consistency, startedAt: number): D[] {
    return debts.filter(
      ({ acknowledgedAt, isExempt }) => acknowledgedAt < startedAt && (consistency === 'STRONG' || !isExempt),
    )
  }

  function faultOf(consistency: Consistency, startedAt: number, answer: Context | Error | undefined) {
    if (answer instanceof NotFoundError) return deletion.landedAt < clock ? undefined : 'it is not deleted'
    if (deletion.acknowledgedAt < startedAt) return 'it is deleted'
    if (deletion.landedAt < clock) return undefined
    if (answer === undefined || answer instanceof Error) return String(answer)
    const owedEpoch = Math.max(0, ...owedOf(epochs, consistency, startedAt).map(({ epoch }) => epoch))
    const shown = new Set(switches.filter(({ epoch }) => epoch >= owedEpoch).map(({ branch }) => branch))
    const faults = [...shown].map((branch) => {
      const owed = owedOf(appends, consistency, startedAt).filter((append) => append.branch === branch)
      // The first message of a branch is stored before that is listed.
      const [first] = branch === ROOT_BRANCH ? [] : model.log(branch)
      const least = Math.max(first?.sequence ?? 0, ...owed.map(({ sequence }) => sequence))
      return pathFault(model.path(branch), answer.messages, least)
    })
    return faults.includes(undefined) ? undefined : `${faults.join('; ')}; epoch ${owedEpoch} is owed`
  }

  /** Acknowledged on a branch is also: whoever reads from now on sees the switch that listed it. */
  function owe(debt: Debt, epoch: number, messages: readonly Message[]): void {
    for (const { branch, sequence } of messages) {
      const listed = switches.find(({ lists }) => lists === branch)
      if (listed === undefined) ledger.violations.push(`${branch} is acknowledged, and not listed`)
      else epochs.push({ epoch: listed.epoch, ...debt })
      appends.push({ branch, sequence, ...debt })
    }
    epochs.push({ epoch, ...debt })
  }

  const ledger: Ledger = {
    history,
    violations: [],
    answers: [],
    noteLoss(kind) {
      losses[kind] += 1
    },
    failed(error) {
      if (deletion.landedAt === Number.POSITIVE_INFINITY) ledger.violations.push(`An operation failed: ${error}`)
    },
    begin() {
      const startedAt = ++clock
      const before = { ...losses }
      const debt = (): Debt => {
        const isExempt = before.mark !== losses.mark || before.register !== losses.register
        return { acknowledgedAt: ++clock, isExempt }
      }
      return {
        appended: ({ branchEpoch }, messages) => owe(debt(), branchEpoch, messages),
        asked({ conversation, newBranch, head, path }, placed) {
          if (placed.type === 'TAKEN' || deletion.landedAt < clock) return
          const { message } = placed
          owe(debt(), newBranch ? 0 : conversation.branchEpoch, [message])
          const isBehind = placed.type === 'STORED' && message.sequence === head.sequence + 1
          const given = model.path(message.branch).filter(({ sequence }) => sequence < message.sequence)
          const fault = isBehind ? pathFault(given, path.messages, given.length) : undefined
          if (fault !== undefined) ledger.violations.push(`Given to the model: ${fault}`)
        },
        selected: ({ branchEpoch }) => owe(debt(), branchEpoch, []),
        deleted() {
          if (before.drop === losses.drop) deletion.acknowledgedAt = ++clock
        },
        read(consistency, answer) {
          clock += 1
          ledger.answers.push(answer)
          const fault = faultOf(consistency, startedAt, answer)
          if (fault !== undefined) ledger.violations.push(`${consistency} read: ${fault}`)
        },
      }
    },
  }
  return ledger
}

/** What is wrong with messages that are to be the beginning of a path, so long at least. */
function pathFault(path: readonly Message[], messages: readonly Message[], owed: number): string | undefined {
  const [shown, whole] = [messages.map(nameOf), path.map(nameOf)]
  if (shown.some((name, index) => name !== whole[index])) return `[${shown}] is not of [${whole}]`
  return shown.length < owed ? `[${shown}] lacks some of the first ${owed} of [${whole}]` : undefined
}

function nameOf({ branch, sequence, parts }: Message): string {
  return `${branch}:${sequence} ${contentOf(parts)}`
}
