import type { ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import { DELETED_BEFORE, LEFT_QUEUE, WITHDRAWN } from '../begin/reply-rejections.ts'
import { GONE, type ReplyFinisher } from '../end/reply-finisher.ts'
import { NOTHING_SAID, saidBy } from '../end/reply-message.ts'
import { createFaultSeries, type FaultHooks } from '../fault-series.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import { createSaidReader } from '../log/said-stream.ts'
import type { ReplyEnding } from './reply-event.ts'
import { createReplyView, placeSaid, type ReplyView } from './reply-view.ts'

/** What a follower is made with. */
export interface ReplyFollowerDeps extends FaultHooks {
  records: ReplyRecords
  memory: Pick<Memory, 'findConversations' | 'findMessages' | 'readContextUpTo'>
  finisher: ReplyFinisher
  log: ReplyLog
}

/** A reply that is followed here, until `stop`. */
export interface ReplyFollower {
  view: ReplyView
  /** The last subscriber has left. */
  stop(): void
}

/**
 * Follows a reply that another node runs, or that has ended: its text comes by the reply log, and its
 * record, polled every `pollMs` and at every notice, has the rest and makes good what the log
 * lost. Who sees a lease over takes the reply over, and who sees it sealed finishes it.
 */
export function followReply(deps: ReplyFollowerDeps, { pollMs }: { pollMs: number }, seen: ReplyRecord): ReplyFollower {
  const { id, ownerId } = seen
  const { records, memory, finisher, log } = deps
  const { onFault, onSuccess } = createFaultSeries(id, deps)
  const view = createReplyView(id)
  // The log is read from its beginning, and its pieces come in order.
  const fromLog = createSaidReader((type, offset, text) => {
    if (type === 'text') view.placeText(offset, text)
    else view.placeReasoning(offset, text)
  })
  let last = seen
  let timer: NodeJS.Timeout | undefined
  let polling: Promise<void> | undefined
  let pollsAgain = false
  let isStopped = false

  const unsubscribe =
    seen.phase === 'ENDED'
      ? () => {}
      : log.follow(id, {
          onText: (_, text) => fromLog.read(text),
          onNotify: () => poll(),
        })
  poll(seen)

  /** One poll at a time; a call during one leads to another after it. */
  function poll(known?: ReplyRecord): void {
    if (polling !== undefined) {
      pollsAgain = true
      return
    }
    clearTimeout(timer)
    polling = pollOnce(known)
      .then(onSuccess, onFault)
      .finally(() => {
        polling = undefined
        if (isStopped || view.ending !== undefined) return
        if (pollsAgain) {
          pollsAgain = false
          poll()
        } else timer = setTimeout(poll, pollMs)
      })
  }

  async function pollOnce(known: ReplyRecord | undefined): Promise<void> {
    const record = known ?? (await records.find(ownerId, id))
    if (record === undefined) return end(undefined)
    last = record
    if (record.phase !== 'SEALED' && (await finisher.takeOver(record))) return poll()
    const current = record.phase === 'SEALED' ? await finisher.finish(record) : record
    await begin(current)
    placeSaid(view, saidBy(current, undefined))
    if (current.phase === 'QUEUED') await showPosition(current)
    if (current.phase === 'ENDED') await end(current)
  }

  async function begin({ questionId, context, model }: ReplyRecord): Promise<void> {
    if (view.start !== undefined || questionId === undefined) return
    const [question] = await memory.findMessages(ownerId, [questionId])
    if (question === undefined) return
    view.begin({ question, context: await memory.readContextUpTo(ownerId, question, context), model })
  }

  async function showPosition({ conversationId, place = 0 }: ReplyRecord): Promise<void> {
    const queued = await records.findQueued(ownerId, conversationId, place)
    view.queue(queued.filter((other) => (other.place ?? 0) < place).length + 1)
  }

  async function end(ended: ReplyRecord | undefined): Promise<void> {
    const { parts, ending, ...said } =
      ended === undefined ? { ...NOTHING_SAID, ending: await endingOfGone() } : await finisher.readEnd(ended)
    placeSaid(view, said)
    for (const part of parts.slice(view.parts.length)) view.addPart(part)
    view.end(ending)
    unsubscribe()
  }

  /** The record is gone: with its conversation, or because it never ran and was withdrawn. */
  async function endingOfGone(): Promise<ReplyEnding> {
    const { phase, beat, conversationId } = last
    const isClaim = (phase === 'RUN' || phase === 'STOP') && beat === 0
    if (view.start !== undefined || (phase !== 'QUEUED' && !isClaim)) return GONE
    const [conversation] = await memory.findConversations(ownerId, [conversationId])
    if (conversation === undefined) return DELETED_BEFORE
    return isClaim ? WITHDRAWN : LEFT_QUEUE
  }

  function stop(): void {
    isStopped = true
    clearTimeout(timer)
    unsubscribe()
  }

  return { view, stop }
}
