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
  sent(turn: AppendPoint & { path: Path }, placed: Placed): void
  selected(conversation: Conversation): void
  deleted(): void
  redacted(message: Message): void
  read(consistency: Consistency, answer: Context | Error | undefined): void
}

interface Debt {
  acknowledgedAt: number
  /** The cache lost what EVENTUAL reads would have known it by. */
  isExempt: boolean
}

/** When an operation began, by the ledger's clock and by the world's. */
interface Start {
  startedAt: number
  startedNow: number
}

interface Redaction {
  /** What the message said. */
  original: string
  landedAt: number
  acknowledgedAt: number
  /** Until then a tail may show it whose drop was lost; epoch milliseconds of the world. */
  tailsEndAt: number
}

/** The world's time, the longest that a tail lives, and a budget within which every path is whole. */
export interface LedgerWorld {
  now: () => number
  tailLifeMs: number
  wholeTokens: number
}

export function createLedger(model: ModelHistory, { now, tailLifeMs, wholeTokens }: LedgerWorld): Ledger {
  let clock = 0
  const losses = { mark: 0, register: 0, drop: 0 }
  const appends: (Debt & { branch: string; sequence: number })[] = []
  const epochs: (Debt & { epoch: number })[] = []
  const switches = [{ epoch: 0, branch: ROOT_BRANCH, lists: ROOT_BRANCH }]
  const redactions = new Map<string, Redaction>()
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
    async redactMessage(id, parts) {
      const [message] = await model.findMessages([id])
      const redacted = await model.redactMessage(id, parts)
      if (message && redacted && !redactions.has(id)) {
        const acknowledgedAt = Number.POSITIVE_INFINITY
        redactions.set(id, {
          original: contentOf(message.parts),
          landedAt: ++clock,
          acknowledgedAt,
          tailsEndAt: Number.NEGATIVE_INFINITY,
        })
      }
      return redacted
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

  function faultOf(consistency: Consistency, start: Start, answer: Context | Error | undefined) {
    const { startedAt } = start
    if (answer instanceof NotFoundError) return deletion.landedAt < clock ? undefined : 'it is not deleted'
    if (deletion.acknowledgedAt < startedAt) return 'it is deleted'
    if (deletion.landedAt < clock) return undefined
    if (answer === undefined || answer instanceof Error) return String(answer)
    const contentFault = contentFaultOf(consistency, start, answer.messages)
    if (contentFault !== undefined) return contentFault
    const owedEpoch = Math.max(0, ...owedOf(epochs, consistency, startedAt).map(({ epoch }) => epoch))
    const shown = new Set(switches.filter(({ epoch }) => epoch >= owedEpoch).map(({ branch }) => branch))
    const faults = [...shown].map((branch) => {
      const owed = owedOf(appends, consistency, startedAt).filter((append) => append.branch === branch)
      // The first message of a branch is stored before that is listed.
      const [first] = branch === ROOT_BRANCH ? [] : model.log(branch)
      const least = Math.max(first?.sequence ?? 0, ...owed.map(({ sequence }) => sequence))
      const begin = answer.maxTokens < wholeTokens ? answer.messages[0]?.sequence : 1
      return pathFault(model.path(branch), answer.messages, least, begin)
    })
    return faults.includes(undefined) ? undefined : `${faults.join('; ')}; epoch ${owedEpoch} is owed`
  }

  /** What was redacted, and acknowledged as such, must not be shown. */
  function contentFaultOf(consistency: Consistency, { startedAt, startedNow }: Start, messages: readonly Message[]) {
    const shown = messages.find(({ id, status }) => {
      const { acknowledgedAt = Number.POSITIVE_INFINITY, tailsEndAt = Number.NEGATIVE_INFINITY } =
        redactions.get(id) ?? {}
      const isExempt = consistency === 'EVENTUAL' && startedNow <= tailsEndAt
      return status !== 'REDACTED' && acknowledgedAt < startedAt && !isExempt
    })
    return shown && `${nameOf(shown)} is shown, and was redacted`
  }

  /** What is wrong with messages that are to be a path from `begin` on, up to its first `owed` at least. */
  function pathFault(path: readonly Message[], messages: readonly Message[], owed: number, begin = 1) {
    const before = path.slice(0, begin - 1).map(nameOf)
    const [shown, whole] = [[...before, ...messages.map(nameOf)], path.map(nameOf)]
    if (shown.some((name, index) => name !== whole[index])) return `[${shown}] is not of [${whole}]`
    return shown.length < owed ? `[${shown}] lacks some of the first ${owed} of [${whole}]` : undefined
  }

  /** By what it said before it was redacted. */
  function nameOf({ id, branch, sequence, parts }: Message): string {
    return `${branch}:${sequence} ${redactions.get(id)?.original ?? contentOf(parts)}`
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
      const start = { startedAt: ++clock, startedNow: now() }
      const before = { ...losses }
      const debt = (): Debt => {
        const isExempt = before.mark !== losses.mark || before.register !== losses.register
        return { acknowledgedAt: ++clock, isExempt }
      }
      return {
        appended: ({ branchEpoch }, messages) => owe(debt(), branchEpoch, messages),
        sent({ conversation, newBranch, head, path }, placed) {
          if (placed.type === 'TAKEN' || deletion.landedAt < clock) return
          const { message } = placed
          owe(debt(), newBranch ? 0 : conversation.branchEpoch, [message])
          const isBehind = placed.type === 'STORED' && message.sequence === head.sequence + 1
          const given = model.path(message.branch).filter(({ sequence }) => sequence < message.sequence)
          const pastFault = isBehind ? pathFault(given, path.messages, given.length) : undefined
          const fault = pastFault ?? contentFaultOf('STRONG', start, path.messages)
          if (fault !== undefined) ledger.violations.push(`Given to the model: ${fault}`)
        },
        selected: ({ branchEpoch }) => owe(debt(), branchEpoch, []),
        redacted({ id }) {
          const redaction = redactions.get(id)
          if (redaction === undefined || redaction.acknowledgedAt < clock) return
          redaction.acknowledgedAt = ++clock
          if (before.drop !== losses.drop) redaction.tailsEndAt = now() + tailLifeMs
        },
        deleted() {
          if (before.drop === losses.drop) deletion.acknowledgedAt = ++clock
        },
        read(consistency, answer) {
          clock += 1
          ledger.answers.push(answer)
          const fault = faultOf(consistency, start, answer)
          if (fault !== undefined) ledger.violations.push(`${consistency} read: ${fault}`)
        },
      }
    },
  }
  return ledger
}
