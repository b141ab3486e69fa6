import { setTimeout as delay } from 'node:timers/promises'
import { BadUserInputError, CallerExpiredError } from '../errors.ts'
import type { ReplyRecord } from '../memory/history/reply-record.ts'
import { bytesOfParts } from '../memory/input/check-part.ts'
import type { Memory } from '../memory/memory.ts'
import type { NewReply } from './begin/begin-reply.ts'
import { beginReply } from './begin/begin-reply.ts'
import { createReplyFinisher } from './end/reply-finisher.ts'
import { createReplyStopper } from './end/reply-stopper.ts'
import {
  decodeReplyCursor,
  REPLY_BEGINNING,
  type ReplyEvent,
  type ReplyPlace,
  type ReplyRejection,
} from './follow/reply-event.ts'
import { createReplyFinder, type ReplyFinder } from './follow/reply-finder.ts'
import { streamRejection, streamReply } from './follow/reply-stream.ts'
import { type ReplyStart, type ReplyView, untilTrue } from './follow/reply-view.ts'
import { createReplyViews, type OpenReply } from './follow/reply-views.ts'
import { createSharedRead } from './follow/shared-read.ts'
import type { ReplyRunDeps, ReplyRunLimits } from './run/reply-run.ts'
import { createReplyRuns } from './run/reply-runs.ts'

/** The times and bounds of replies; milliseconds. */
export interface RepliesLimits extends ReplyRunLimits {
  heartbeatMs: number
  queueLimit: number
}

/** What replies are made of; the finisher is made within. */
export type RepliesDeps = Omit<ReplyRunDeps, 'finisher' | 'memory' | 'renew'> & { memory: Memory }

/** Replies of language models: begun once, streamed to anybody, ended exactly once. */
export interface Replies extends ReplyFinder {
  /** Begins a reply, or joins the one that the same question began, and streams it from its beginning. */
  send(ownerId: string, input: NewReply, signal: AbortSignal): Promise<AsyncIterable<ReplyEvent>>
  /** The same without a stream: resolves when the question is stored, queued or refused. */
  start(ownerId: string, input: NewReply): Promise<ReplyRecord | ReplyRejection>
  /** What comes after a cursor; null from its beginning. NotFoundError for a missing or foreign reply. */
  subscribe(ownerId: string, id: string, after: string | null, signal: AbortSignal): Promise<AsyncIterable<ReplyEvent>>
  /** Stops a reply on whichever node runs it; the record as it stands then. */
  cancel(ownerId: string, id: string): Promise<ReplyRecord>
  /** Ends replies whose nodes died, also those that waited in a queue; to be called now and then. */
  sweep(): Promise<void>
  /** Refuses new ones, lets those that run finish within half of the time, interrupts the rest, and lets streams end. */
  stop(deadlineMs: number): Promise<void>
}

const SWEEP_LIMIT = 100

/** Replies on the given stores: this node runs what it begins, and follows the rest. */
export function createReplies(deps: RepliesDeps, limits: RepliesLimits): Replies {
  const { records, log, now, onFault } = deps
  const finisher = createReplyFinisher(deps)
  const runs = createReplyRuns({ ...deps, finisher }, limits)
  const finder = createReplyFinder({ ...deps, finisher, runs })
  const views = createReplyViews({ ...deps, finisher, runs }, limits)
  const stopper = createReplyStopper({ records, log, runs, views, now }, limits)
  const { findOwned, settle } = finder
  const rereads = new WeakMap<ReplyView, () => Promise<ReplyStart | undefined>>()
  const streams = new Set<{ view: ReplyView; done: Promise<void> }>()

  /** A question that is let in has its room until it is counted, waits in a queue, or is refused. */
  async function begin(ownerId: string, input: NewReply): Promise<OpenReply | ReplyRejection> {
    const { source = '', question } = input
    const release = deps.memory.admit(bytesOfParts(question?.parts ?? []), { ownerId, source })
    try {
      const opened = await beginReply({ ...deps, finisher, runs, views, stopper }, limits, ownerId, input)
      // The view of a reply that runs elsewhere need not change any more; one that runs here has an end.
      if ('type' in opened || runs.find(opened.view.replyId) === undefined) release()
      else void untilBegun(opened.view).then(release)
      return opened
    } catch (error) {
      release()
      throw error
    }
  }

  async function stream(
    ownerId: string,
    { view, release }: OpenReply,
    place: ReplyPlace,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ReplyEvent>> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const open = { view, done: promise }
    const onDone = () => {
      streams.delete(open)
      release()
      // Not before the transport has said that the stream is complete.
      setImmediate(resolve)
    }
    streams.add(open)
    try {
      const start = view.start && !place.isStarted ? await reread(ownerId, view, view.start) : undefined
      return streamReply(view, place, limits, signal, onDone, start)
    } catch (error) {
      onDone()
      throw error
    }
  }

  /** A thousand who come late at once read twice what it began with. */
  function reread(ownerId: string, view: ReplyView, start: ReplyStart): Promise<ReplyStart | undefined> {
    const read = rereads.get(view) ?? createSharedRead(() => readAgain(deps.memory, ownerId, start))
    rereads.set(view, read)
    return read()
  }

  /** With CANCEL, the reply is stopped when its subscriber leaves. */
  function cancelWith(signal: AbortSignal, ownerId: string, view: ReplyView): void {
    const { replyId } = view
    const cancel = () => {
      // A stream that is at its end aborts its signal too; a client whose proof expired comes back with a new one.
      if (view.ending !== undefined || signal.reason instanceof CallerExpiredError) return
      const run = runs.find(replyId)?.run
      // Without a read of the history, which may be slow or away.
      if (run !== undefined) run.stop('DISCONNECTED')
      else void cancelOwned(ownerId, replyId, 'DISCONNECTED').catch((error) => onFault(replyId, error))
    }
    if (signal.aborted) cancel()
    else signal.addEventListener('abort', cancel, { once: true })
  }

  async function cancelOwned(ownerId: string, id: string, reason: 'CANCELLED' | 'DISCONNECTED'): Promise<ReplyRecord> {
    const record = await findOwned(ownerId, id)
    if (record.phase === 'ENDED') return record
    await stopper.stop(record, reason)
    return findOwned(ownerId, id)
  }

  async function send(ownerId: string, input: NewReply, signal: AbortSignal): Promise<AsyncIterable<ReplyEvent>> {
    const opened = await begin(ownerId, input)
    if ('type' in opened) return streamRejection(opened)
    const events = await stream(ownerId, opened, REPLY_BEGINNING, signal)
    if (input.onDisconnect === 'CANCEL') cancelWith(signal, ownerId, opened.view)
    return events
  }

  async function start(ownerId: string, input: NewReply): Promise<ReplyRecord | ReplyRejection> {
    const opened = await begin(ownerId, input)
    if ('type' in opened) return opened
    const { view, release } = opened
    await untilBegun(view)
    release()
    return view.ending?.type === 'ReplyRejected' ? view.ending : findOwned(ownerId, view.replyId)
  }

  async function subscribe(
    ownerId: string,
    id: string,
    after: string | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ReplyEvent>> {
    const place = after === null ? REPLY_BEGINNING : placeOf(after)
    return stream(ownerId, views.open(await findOwned(ownerId, id)), place, signal)
  }

  async function sweep(): Promise<void> {
    const active = await records.findLeaseOver(now(), SWEEP_LIMIT)
    const queued = await records.findQueuedLeaseOver(now(), SWEEP_LIMIT)
    for (const record of [...active, ...queued]) {
      // One that cannot be ended must not block those behind it.
      await settle(record).catch((error: unknown) => onFault(record.id, error))
    }
  }

  async function stop(deadlineMs: number): Promise<void> {
    const end = performance.now() + deadlineMs
    await runs.stop(deadlineMs)
    // To close the connections now would cut off the last events.
    const ending = [...streams].filter(({ view }) => view.ending !== undefined).map(({ done }) => done)
    await Promise.race([Promise.all(ending), delay(Math.max(0, end - performance.now()), undefined, { ref: false })])
  }

  return {
    ...finder,
    send,
    start,
    subscribe,
    cancel: (ownerId, id) => cancelOwned(ownerId, id, 'CANCELLED'),
    sweep,
    stop,
  }
}

/** Its question is stored, waits or was refused. */
function untilBegun(view: ReplyView): Promise<void> {
  return untilTrue(view, () => Boolean(view.start ?? view.ending ?? view.queuePosition))
}

/** What a reply began with, as it reads now: for who comes late, when something of it may be redacted. */
async function readAgain(
  memory: Pick<Memory, 'findMessages'>,
  ownerId: string,
  { question, context, model }: ReplyStart,
): Promise<ReplyStart | undefined> {
  const ids = [question.id, ...context.messages.map(({ id }) => id)]
  const [asked, ...messages] = await memory.findMessages(ownerId, ids)
  return (
    asked && { question: asked, context: { ...context, messages: messages.flatMap((found) => found ?? []) }, model }
  )
}

function placeOf(cursor: string): ReplyPlace {
  const place = decodeReplyCursor(cursor)
  if (place === undefined) {
    throw new BadUserInputError('after', 'a cursor of a reply', JSON.stringify(cursor.slice(0, 64)))
  }
  return place
}
