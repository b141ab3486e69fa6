import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import { GONE, type ReplyFinisher } from '../end/reply-finisher.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import { createReplyView, type ReplyView } from './reply-view.ts'

/** What following a reply needs. */
export interface ReplyFollowerParts {
  records: ReplyRecords
  memory: Pick<Memory, 'findMessages' | 'readContextUpTo'>
  finisher: ReplyFinisher
  log: ReplyLog
  onFault: (replyId: string, error: unknown) => void
}

/** A reply that is followed here, until `stop`. */
export interface ReplyFollower {
  view: ReplyView
  /** Nobody listens any more. */
  stop(): void
}

/**
 * Follows a reply that another node runs, or that has ended: its text comes by the reply log, and its
 * record, looked at every `pollMs` and at every wake-up, tells the rest and makes good what the log
 * lost. Who sees a lease over takes the reply over, and who sees it sealed finishes it.
 */
export function followReply(
  { records, memory, finisher, log, onFault }: ReplyFollowerParts,
  { pollMs }: { pollMs: number },
  seen: ReplyRecord,
): ReplyFollower {
  const { id } = seen
  const view = createReplyView(id)
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined
  let looksAgain = false
  let isStopped = false

  const forget =
    seen.phase === 'ENDED'
      ? () => {}
      : log.follow(id, {
          onText: view.placeText,
          onNotify: () => look(),
        })
  look(seen)

  /** One look at a time; who asks during one gets another after it. */
  function look(known?: ReplyRecord): void {
    if (looking !== undefined) {
      looksAgain = true
      return
    }
    clearTimeout(timer)
    looking = see(known)
      .catch((error: unknown) => onFault(id, error))
      .finally(() => {
        looking = undefined
        if (isStopped || view.ending !== undefined) return
        if (looksAgain) {
          looksAgain = false
          look()
        } else timer = setTimeout(look, pollMs)
      })
  }

  async function see(known: ReplyRecord | undefined): Promise<void> {
    const record = known ?? (await records.find(id))
    if (record === undefined) return end(undefined)
    if (record.phase !== 'SEALED' && (await finisher.takeOver(record))) return look()
    const current = record.phase === 'SEALED' ? await finisher.finish(record) : record
    await begin(current)
    view.placeText(0, current.text)
    if (current.phase === 'QUEUED') await tellPosition(current)
    if (current.phase === 'ENDED') await end(current)
  }

  async function begin({ questionId, ownerId, context, model }: ReplyRecord): Promise<void> {
    if (view.start !== undefined || questionId === undefined) return
    const [question] = await memory.findMessages(ownerId, [questionId])
    if (question === undefined) return
    view.begin({ question, context: await memory.readContextUpTo(ownerId, question, context), model })
  }

  async function tellPosition({ conversationId, place = 0 }: ReplyRecord): Promise<void> {
    const queued = await records.findQueued(conversationId, place)
    view.queue(queued.filter((other) => (other.place ?? 0) < place).length + 1)
  }

  async function end(ended: ReplyRecord | undefined): Promise<void> {
    for (const part of ended?.parts.slice(view.parts.length) ?? []) view.addPart(part)
    view.end(ended === undefined ? GONE : await finisher.endingOf(ended))
    forget()
  }

  return {
    view,
    stop() {
      isStopped = true
      clearTimeout(timer)
      forget()
    },
  }
}
