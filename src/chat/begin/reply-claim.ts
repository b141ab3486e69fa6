import { createHash } from 'node:crypto'
import { BadUserInputError, HistoryUnavailableError, NotFoundError } from '../../errors.ts'
import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import { canonicalJson } from '../../memory/input/canonical-json.ts'
import type { Memory } from '../../memory/memory.ts'
import type { PromptPath } from '../../memory/read/prompt-reader.ts'
import type { ReplyFinisher } from '../end/reply-finisher.ts'
import type { ReplyRejection } from '../follow/reply-event.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import { readPromptPath } from '../run/reply-prompt.ts'
import { withdrawUntilAnswered } from './withdraw-until-answered.ts'

/** What a claim is made with. */
export interface ReplyClaimDeps {
  records: ReplyRecords
  memory: Pick<Memory, 'readPrompt'>
  finisher: ReplyFinisher
  log: Pick<ReplyLog, 'notify'>
  /** Epoch milliseconds. */
  now: () => number
}

/** What an attempt to begin a reply met. */
export type Claim =
  /** The conversation is ours; `path` was read in the same round trip. */
  | { type: 'CLAIMED'; path: PromptPath }
  /** The same question was sent before: that reply is the answer. */
  | { type: 'JOINED'; record: ReplyRecord }
  | { type: 'BUSY'; active: ReplyRecord }
  | { type: 'REFUSED'; rejection: ReplyRejection }

/**
 * Claims a conversation by inserting the reply's record (protocol B1), and reads what its prompt
 * continues at the same time. What a dead node left is ended on the way. Rejects with HistoryUnavailableError
 * where it is not known whether the record is there; it is withdrawn then.
 */
export async function claimReply(deps: ReplyClaimDeps, record: ReplyRecord): Promise<Claim> {
  const { records, memory, log } = deps
  const { ownerId, conversationId, clientMessageId } = record
  for (;;) {
    const [insert, path] = await Promise.all([
      records.insert(record).then(
        (isInserted) => ({ isInserted }),
        (error: unknown) => ({ error }),
      ),
      readPromptPath(memory, record).catch((error: unknown) => error),
    ])
    if ('error' in insert) {
      void withdrawUntilAnswered(deps, record, () => records.withdraw(record.id))
      throw insert.error
    }
    const { isInserted } = insert
    const fault = path instanceof Error ? path : undefined
    // Missing, foreign, out of reach, or nothing to answer: the claim must not block others.
    if (fault && isInserted) {
      await records.withdraw(record.id)
      // Who joined it, or waits for its end, goes on.
      log.notify(record.id)
    }
    // What could be answered when it was sent first may be answered by now.
    if (fault && (isInserted || !(fault instanceof BadUserInputError))) return refusalFor(fault)
    if (isInserted) return { type: 'CLAIMED', path: path as PromptPath }
    const same = await records.findByClientMessageId(ownerId, conversationId, clientMessageId)
    if (same === undefined && fault) return refusalFor(fault)
    if (same !== undefined) return asksTheSame(same, record) ? { type: 'JOINED', record: same } : CONFLICT
    const active = await records.findActive(ownerId, conversationId)
    if (active !== undefined && !(await isEndedByUs(deps, active))) return { type: 'BUSY', active }
  }
}

/** Whether the claim in the way was one to end: sealed, or of a lost node. */
async function isEndedByUs({ finisher }: ReplyClaimDeps, active: ReplyRecord): Promise<boolean> {
  if (active.phase !== 'SEALED') return finisher.takeOver(active)
  await finisher.finish(active)
  return true
}

function refusalFor(fault: Error): Claim {
  if (
    fault instanceof NotFoundError ||
    fault instanceof HistoryUnavailableError ||
    fault instanceof BadUserInputError
  ) {
    return {
      type: 'REFUSED',
      rejection: { type: 'ReplyRejected', code: fault.code, detail: fault.message, cause: fault },
    }
  }
  throw fault
}

/** What a question says, and in whose place, as the end of its reply leaves it. */
export function digestQuestion({ replaces, question }: Pick<ReplyRecord, 'replaces' | 'question'>): string {
  const content = { replaces, role: question?.role, parts: question?.parts, author: question?.author }
  return createHash('sha256').update(canonicalJson(content)).digest('base64url')
}

/** A redaction removes the digest, by which a short text could be guessed: then every content is the same. */
function asksTheSame(stored: ReplyRecord, sent: ReplyRecord): boolean {
  return stored.questionDigest === undefined || stored.questionDigest === sent.questionDigest
}

const CONFLICT: Claim = {
  type: 'REFUSED',
  rejection: {
    type: 'ReplyRejected',
    code: 'CLIENT_MESSAGE_ID_CONFLICT',
    detail: 'clientMessageId is used by another question of this conversation.',
  },
}
