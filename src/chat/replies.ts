import { setTimeout as delay } from 'node:timers/promises'
import { BadUserInputError, HistoryUnavailableError, NotFoundError } from '../errors.ts'
import type { TurnPath } from '../memory/context-reader.ts'
import { createReplyId } from '../memory/ids.ts'
import type { Memory } from '../memory/memory.ts'
import type { MessageDraft } from '../memory/message.ts'
import type { ReplyRecord } from '../memory/reply-record.ts'
import { followReply } from './follow-reply.ts'
import { claimReply } from './reply-claim.ts'
import {
  decodeReplyCursor,
  REPLY_BEGINNING,
  type ReplyEvent,
  type ReplyPlace,
  type ReplyRejection,
} from './reply-event.ts'
import { createReplyFinisher } from './reply-finisher.ts'
import { createReplyQueue } from './reply-queue.ts'
import { type ReplyRun, type ReplyRunLimits, type ReplyRunParts, startReplyRun } from './reply-run.ts'
import { streamRejection, streamReply } from './reply-stream.ts'
import type { TurnOptions } from './reply-turn.ts'
import { createReplyView, type ReplyView, type ReplyViewControl } from './reply-view.ts'

export type BusyPolicy = 'REJECT' | 'SUPERSEDE' | 'QUEUE'
export type DisconnectPolicy = 'CONTINUE' | 'CANCEL'

export interface NewReply extends TurnOptions {
  conversationId: string
  question: MessageDraft & { clientMessageId: string }
  onBusy: BusyPolicy
  onDisconnect: DisconnectPolicy
}

export interface RepliesLimits extends ReplyRunLimits {
  heartbeatMs: number
  queueLimit: number
}

export type RepliesParts = Omit<ReplyRunParts, 'finisher' | 'memory'> & { memory: Memory }

/** Replies of language models: begun once, streamed to anybody, ended exactly once. */
export interface Replies {
  /** Begins a reply, or joins the one that the same question began, and streams it from its beginning. */
  send(ownerId: string, input: NewReply, signal: AbortSignal): Promise<AsyncIterable<ReplyEvent>>
  /** The same without a stream: resolves when the question is stored, queued or refused. */
  start(ownerId: string, input: NewReply): Promise<ReplyRecord | ReplyRejection>
  /** What comes after a cursor; null from its beginning. NotFoundError for a missing or foreign reply. */
  subscribe(ownerId: string, id: string, after: string | null, signal: AbortSignal): Promise<AsyncIterable<ReplyEvent>>
  /** The active reply of a conversation, else the newest. */
  findNewest(ownerId: string, conversationId: string): Promise<ReplyRecord | undefined>
  findActive(conversationId: string): Promise<ReplyRecord | undefined>
  find(ownerId: string, id: string): Promise<ReplyRecord | undefined>
  /** Stops a reply on whichever node runs it; the record as it stands then. */
  cancel(ownerId: string, id: string): Promise<ReplyRecord>
  /** Ends replies whose nodes died; to be called now and then. */
  sweep(): Promise<void>
  /** Refuses new ones, lets those that run finish within half of the time, interrupts the rest, and lets streams tell it. */
  stop(deadlineMs: number): Promise<void>
}

/** A reply that is begun or joined, and how to let go of it. */
interface Opened {
  view: ReplyView
  release: () => void
}

export function createReplies(parts: RepliesParts, limits: RepliesLimits): Replies {
  const { records, memory, counter, log, now, onFault } = parts
  const finisher = createReplyFinisher({ records, memory, counter, now })
  const claims = { records, memory, finisher }
  const runs = new Map<string, { view: ReplyView; run: ReplyRun | undefined; done: Promise<void> }>()
  const followers = new Map<string, Opened & { listeners: number }>()
  const streams = new Set<{ view: ReplyView; done: Promise<void> }>()
  const queue = createReplyQueue({ records, finisher, now, pause, onFault }, limits)
  let isClosing = false

  /** Until a run of this conversation ends here, but no longer than a checkpoint's interval. */
  async function pause(conversationId: string): Promise<void> {
    const here = [...runs.values()].find(({ run }) => run?.record.conversationId === conversationId)
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, limits.checkpointMs)
    await (here ? Promise.race([here.done, promise]) : promise)
    clearTimeout(timer)
  }

  function open(record: ReplyRecord): Opened {
    const here = runs.get(record.id)
    if (here !== undefined) return { view: here.view, release() {} }
    const following = followers.get(record.id) ?? { ...follow(record), listeners: 0 }
    followers.set(record.id, following)
    following.listeners += 1
    return following
  }

  function follow(record: ReplyRecord): Opened {
    const follower = followReply({ records, memory, finisher, log, onFault }, { pollMs: limits.checkpointMs }, record)
    const release = () => {
      const following = followers.get(record.id)
      if (following === undefined) return
      following.listeners -= 1
      if (following.listeners > 0) return
      followers.delete(record.id)
      follower.stop()
    }
    return { view: follower.view, release }
  }

  async function begin(ownerId: string, input: NewReply): Promise<Opened | ReplyRejection> {
    try {
      return await claimOrJoin(ownerId, input)
    } catch (error) {
      if (!(error instanceof HistoryUnavailableError)) throw error
      return { type: 'ReplyRejected', code: error.code, detail: error.message, retryAfterMs: RETRY_AFTER_MS }
    }
  }

  async function claimOrJoin(ownerId: string, input: NewReply): Promise<Opened | ReplyRejection> {
    for (;;) {
      if (isClosing) return SHUTTING_DOWN
      const record = newRecord(ownerId, input, now(), limits.leaseMs)
      const claim = await claimReply(claims, record)
      if (claim.type === 'REFUSED') return claim.rejection
      if (claim.type === 'JOINED') return open(claim.record)
      if (claim.type === 'CLAIMED') {
        const view = createReplyView(record.id)
        runHere(record, view, input, claim.turn)
        return open(record)
      }
      if (input.onBusy === 'REJECT') return busy(claim.active)
      if (input.onBusy === 'SUPERSEDE') {
        if (!(await supersede(claim.active))) return busy(claim.active)
      } else {
        const queued = await queue.enter(record)
        if (queued !== undefined) return 'type' in queued ? queued : openQueued(queued, input)
      }
    }
  }

  function runHere(record: ReplyRecord, view: ReplyViewControl, input: NewReply, turn: TurnPath | undefined): void {
    const run = startReplyRun({ ...parts, finisher }, limits, record, input, turn, view)
    const forget = log.follow(record.id, { onWake: run.look })
    memory.tell(record.conversationId, [{ type: 'ReplyBegan', replyId: record.id }])
    const done = run.done.then(() => {
      forget()
      runs.delete(record.id)
      memory.tell(record.conversationId, [{ type: 'ReplyEnded', replyId: record.id }])
    })
    runs.set(record.id, { view, run, done })
  }

  function openQueued(record: ReplyRecord, input: NewReply): Opened {
    const view = createReplyView(record.id)
    const waiting = waitAndRun(record, view, input).catch((error: unknown) => {
      onFault(record.id, error)
      runs.delete(record.id)
    })
    runs.set(record.id, { view, run: undefined, done: waiting })
    return { view, release() {} }
  }

  async function waitAndRun(record: ReplyRecord, view: ReplyViewControl, input: NewReply): Promise<void> {
    const exit = await queue.wait(record, view, () => isClosing)
    if (exit.type === 'PROMOTED') {
      runHere(exit.record, view, input, undefined)
      return
    }
    const ended = await records.find(record.id)
    view.end(ended?.phase === 'ENDED' ? await finisher.endingOf(ended) : SHUTTING_DOWN)
    runs.delete(record.id)
  }

  /** Whether the active reply came to its end: at the latest when its node's lease is over and it is taken over. */
  async function supersede(active: ReplyRecord): Promise<boolean> {
    const { view, release } = open(active)
    await stopReply(active, 'SUPERSEDED')
    await Promise.race([untilTrue(view, () => view.ending !== undefined), delay(2 * limits.leaseMs + SUPERSEDE_MS)])
    release()
    return view.ending !== undefined
  }

  async function stopReply(
    { id, phase }: ReplyRecord,
    reason: 'CANCELLED' | 'SUPERSEDED' | 'DISCONNECTED',
  ): Promise<void> {
    const run = runs.get(id)?.run
    if (run !== undefined) return run.stop(reason)
    if (phase === 'QUEUED') {
      const outcome = { type: 'REJECTED' as const, code: reason, detail: 'It was cancelled while it waited.' }
      const isEnded = await records.change(id, { phase }, { phase: 'ENDED', outcome, place: null, endedAt: now() })
      // Its turn may have come meanwhile.
      const found = isEnded ? undefined : await records.find(id)
      if (found?.phase === 'RUN') return stopReply(found, reason)
    } else await records.change(id, { phase: 'RUN' }, { phase: 'STOP', stop: reason })
    log.wake(id)
  }

  /** A record of the owner's, with what a dead node left undone done. */
  async function find(ownerId: string, id: string): Promise<ReplyRecord | undefined> {
    const record = await records.find(id)
    if (record === undefined || record.ownerId !== ownerId) return undefined
    if (record.phase === 'SEALED') return finisher.finish(record)
    return (await finisher.takeOver(record)) ? find(ownerId, id) : asKnownHere(record, runs.get(id)?.view)
  }

  async function findOwned(ownerId: string, id: string): Promise<ReplyRecord> {
    const record = await find(ownerId, id)
    if (record === undefined) throw new NotFoundError('reply', id)
    return record
  }

  function stream({ view, release }: Opened, place: ReplyPlace, signal: AbortSignal): AsyncIterable<ReplyEvent> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const open = { view, done: promise }
    streams.add(open)
    return streamReply(view, place, limits, signal, () => {
      streams.delete(open)
      release()
      // Not before the transport has said that the stream is complete.
      setImmediate(resolve)
    })
  }

  return {
    find,

    async findActive(conversationId) {
      const active = await records.findActive(conversationId)
      const current = active && (await find(active.ownerId, active.id))
      return current?.active ? current : undefined
    },

    async send(ownerId, input, signal) {
      const opened = await begin(ownerId, input)
      if ('type' in opened) return streamRejection(opened)
      if (input.onDisconnect === 'CANCEL') {
        const { replyId } = opened.view
        const cancel = () =>
          void cancelOwned(ownerId, replyId, 'DISCONNECTED').catch((error) => onFault(replyId, error))
        if (signal.aborted) cancel()
        else signal.addEventListener('abort', cancel, { once: true })
      }
      return stream(opened, REPLY_BEGINNING, signal)
    },

    async start(ownerId, input) {
      const opened = await begin(ownerId, input)
      if ('type' in opened) return opened
      const { view, release } = opened
      await untilTrue(view, () => Boolean(view.start ?? view.ending ?? view.queuePosition))
      release()
      return view.ending?.type === 'ReplyRejected' ? view.ending : findOwned(ownerId, view.replyId)
    },

    async subscribe(ownerId, id, after, signal) {
      const place = after === null ? REPLY_BEGINNING : placeOf(after)
      return stream(open(await findOwned(ownerId, id)), place, signal)
    },

    async findNewest(ownerId, conversationId) {
      const record = (await records.findActive(conversationId)) ?? (await records.findNewest(conversationId))
      return record && find(ownerId, record.id)
    },

    cancel: (ownerId, id) => cancelOwned(ownerId, id, 'CANCELLED'),

    async sweep() {
      for (const record of await records.findLeaseOver(now(), SWEEP_LIMIT)) await find(record.ownerId, record.id)
    },

    async stop(deadlineMs) {
      isClosing = true
      const end = performance.now() + deadlineMs
      const within = (share: number, work: Promise<void>[]) =>
        Promise.race([Promise.all(work), delay((end - performance.now()) * share, undefined, { ref: false })])
      const allDone = () => [...runs.values()].map(({ done }) => done)
      await within(1 / 2, allDone())
      for (const { run } of runs.values()) run?.stop('SHUTDOWN')
      await within(1 / 2, allDone())
      for (const { run } of runs.values()) run?.giveUp()
      // Whoever closes the connections now would cut off the last events.
      const ending = [...streams].filter(({ view }) => view.ending !== undefined)
      await within(
        1,
        ending.map(({ done }) => done),
      )
    },
  }

  async function cancelOwned(ownerId: string, id: string, reason: 'CANCELLED' | 'DISCONNECTED'): Promise<ReplyRecord> {
    const record = await findOwned(ownerId, id)
    if (record.phase === 'ENDED') return record
    await stopReply(record, reason)
    return findOwned(ownerId, id)
  }
}

const SWEEP_LIMIT = 100
const RETRY_AFTER_MS = 1_000
/** The leeway for clocks, and a little more. */
const SUPERSEDE_MS = 5_000

function placeOf(cursor: string): ReplyPlace {
  const place = decodeReplyCursor(cursor)
  if (place === undefined) {
    throw new BadUserInputError('after', 'a cursor of a reply', JSON.stringify(cursor.slice(0, 64)))
  }
  return place
}

/** With what a run here has told since its last checkpoint. */
function asKnownHere(record: ReplyRecord, view: ReplyView | undefined): ReplyRecord {
  if (view?.start === undefined || (record.phase !== 'RUN' && record.phase !== 'STOP')) return record
  const text = view.text.length > record.text.length ? view.text : record.text
  return { ...record, questionId: view.start.question.id, model: view.start.model, text }
}

async function untilTrue(view: ReplyView, isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise<void>((resolve) => view.onChange(resolve))
}

const SHUTTING_DOWN: ReplyRejection = {
  type: 'ReplyRejected',
  code: 'SHUTTING_DOWN',
  detail: 'This node is stopping; send again.',
  retryAfterMs: RETRY_AFTER_MS,
}

function busy({ id }: ReplyRecord): ReplyRejection {
  const detail = `Reply ${id} is active in this conversation.`
  return { type: 'ReplyRejected', code: 'BUSY', detail, activeReplyId: id, retryAfterMs: RETRY_AFTER_MS }
}

function newRecord(ownerId: string, input: NewReply, now: number, leaseMs: number): ReplyRecord {
  const { conversationId, question, maxTokens, anchor, model } = input
  return {
    id: createReplyId(conversationId),
    conversationId,
    ownerId,
    clientMessageId: question.clientMessageId,
    question,
    context: { maxTokens, anchor },
    phase: 'RUN',
    active: true,
    beat: 0,
    leaseUntil: now + leaseMs,
    text: '',
    parts: [],
    model: model ?? '',
    startedAt: now,
  }
}
