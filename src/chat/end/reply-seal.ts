import type { ReplyOutcome, ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import type { MessagePart } from '../../memory/message.ts'
import { GONE, type ReplyEnd, type ReplyFinisher } from './reply-finisher.ts'
import { NOTHING_SAID } from './reply-message.ts'

/** What a seal fixes for good. */
export interface SealedContent
  extends Pick<ReplyRecord, 'text' | 'parts'>,
    Partial<Pick<ReplyRecord, 'usage' | 'questionId' | 'model'>> {
  outcome: ReplyOutcome
}

type ReplyFacts = Omit<SealedContent, 'outcome' | 'text' | 'parts'>

/** What a seal is to fix. Without a stored question, what the model said was never published and is not kept. */
export function sealedContent(
  outcome: ReplyOutcome,
  said: (Readonly<Pick<SealedContent, 'text'>> & { readonly parts: readonly MessagePart[] }) | undefined,
  facts: ReplyFacts,
): SealedContent {
  return { outcome, text: said?.text ?? '', parts: [...(said?.parts ?? [])], ...facts }
}

/** What sealing a reply is made with. */
export interface SealDeps {
  records: ReplyRecords
  finisher: ReplyFinisher
}

/** When a seal that failed is tried again, and when no more. */
export interface SealRetry {
  everyMs: number
  /** By the monotonic clock; milliseconds. */
  until: number
  isGivenUp(): boolean
  onFault(error: unknown): void
}

/**
 * Ends a reply by protocol B5: one conditional write fixes outcome and text, then the messages are
 * stored. Tried again until it is done, whoever did it: what the first seal fixed counts. `error` when that took too long, and its record is left to
 * whoever takes it over; undefined when it was given up.
 */
export async function sealUntilDone(
  deps: SealDeps,
  record: ReplyRecord,
  knownPhase: 'RUN' | 'STOP',
  content: SealedContent,
  { everyMs, until, isGivenUp, onFault }: SealRetry,
): Promise<ReplyEnd | { error: unknown } | undefined> {
  for (;;) {
    try {
      const ended = await seal(deps, record, knownPhase, content)
      // The conversation was deleted, and its replies with it.
      return ended === undefined ? { ...NOTHING_SAID, ending: GONE } : await deps.finisher.readEnd(ended)
    } catch (error) {
      onFault(error)
      if (isGivenUp()) return undefined
      if (performance.now() + everyMs >= until) return { error }
    }
    // By the global timer, which tests can hold: that of node:timers/promises they cannot.
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

/** Undefined: the record is gone. */
async function seal(
  { records, finisher }: SealDeps,
  record: ReplyRecord,
  knownPhase: 'RUN' | 'STOP',
  content: SealedContent,
): Promise<ReplyRecord | undefined> {
  const sealed = { ...content, phase: 'SEALED' as const }
  if (await records.change(record.id, { phase: knownPhase }, sealed)) return finisher.finish({ ...record, ...sealed })
  const found = await records.find(record.ownerId, record.id)
  if (found?.phase === 'STOP' && knownPhase === 'RUN') return seal({ records, finisher }, record, 'STOP', content)
  return found && finisher.finish(found)
}
