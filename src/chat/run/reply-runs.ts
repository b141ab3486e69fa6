import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import type { PromptPath } from '../../memory/read/prompt-reader.ts'
import { withTimeout } from '../../with-timeout.ts'
import { createReplyQueue, type ReplyQueueLimits } from '../begin/reply-queue.ts'
import type { ReplyRejection } from '../follow/reply-event.ts'
import { createReplyView, type ReplyView, type ReplyViewControl } from '../follow/reply-view.ts'
import type { PromptOptions } from './reply-prompt.ts'
import { createReplyRenewals } from './reply-renewals.ts'
import { type ReplyRun, type ReplyRunDeps, type ReplyRunLimits, startReplyRun } from './reply-run.ts'

/** A reply of this node; `run` is undefined while it waits in the queue. */
export interface ReplyHere {
  readonly view: ReplyView
  readonly run: ReplyRun | undefined
  /** Settles when it is over here, also when its place in the queue has become a run; never rejects. */
  readonly done: Promise<void>
}

/** The replies that run on this node, or wait here to be first in line. */
export interface ReplyRuns {
  readonly isClosing: boolean
  find(replyId: string): ReplyHere | undefined
  /** Runs a claimed reply; `path` is what its claim read. */
  start(record: ReplyRecord, options: PromptOptions, path: PromptPath): void
  /** Takes the next place in the queue, and runs when it is first. Undefined: claim again (see ReplyQueue). */
  enqueue(record: ReplyRecord, options: PromptOptions): Promise<ReplyRecord | ReplyRejection | undefined>
  /** From now on none is to be started: lets them finish within half of the time, and interrupts the rest. */
  stop(deadlineMs: number): Promise<void>
}

/** What runs are made of; the memory publishes that they began. */
export interface ReplyRunsDeps extends Omit<ReplyRunDeps, 'renew'> {
  memory: ReplyRunDeps['memory'] & Pick<Memory, 'findConversations' | 'publish'>
}

/** Of the time in which to stop, for replies to finish by themselves. */
const FINISHING_SHARE = 1 / 2
/** Of the rest, for what was interrupted to be stored: subscribers then get it within a moment. */
const SEALING_SHARE = 9 / 10

/** The runs of this node. */
export function createReplyRuns(deps: ReplyRunsDeps, limits: ReplyRunLimits & ReplyQueueLimits): ReplyRuns {
  const { records, memory, log } = deps
  const runs = new Map<string, ReplyHere>()
  const queue = createReplyQueue({ ...deps, pause }, limits)
  const renew = createReplyRenewals(records)
  let isClosing = false
  let isGivenUp = false

  /** Until a run of this conversation ends here, but no longer than a checkpoint's interval. */
  async function pause(conversationId: string): Promise<void> {
    const here = [...runs.values()].find(({ run }) => run?.record.conversationId === conversationId)
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, limits.checkpointMs)
    await (here ? Promise.race([here.done, promise]) : promise)
    clearTimeout(timer)
  }

  function start(
    record: ReplyRecord,
    options: PromptOptions,
    path: PromptPath | undefined,
    view: ReplyViewControl = createReplyView(record.id),
  ): void {
    const run = startReplyRun({ ...deps, renew }, limits, record, options, path, view)
    // Its claim, or its promotion, was under way when this node began to stop.
    if (isClosing) run.stop('SHUTDOWN')
    if (isGivenUp) run.giveUp()
    const unsubscribe = log.follow(record.id, { onNotify: run.check })
    memory.publish(record.conversationId, [{ type: 'ReplyBegan', replyId: record.id }])
    const done = run.done.then(() => {
      unsubscribe()
      runs.delete(record.id)
    })
    runs.set(record.id, { view, run, done })
  }

  function wait(record: ReplyRecord, options: PromptOptions): void {
    const view = createReplyView(record.id)
    const done = waitAndRun(record, view, options)
    runs.set(record.id, { view, run: undefined, done })
  }

  async function waitAndRun(record: ReplyRecord, view: ReplyViewControl, options: PromptOptions): Promise<void> {
    const exit = await queue.wait(record, view, () => isClosing)
    if (exit.type === 'PROMOTED') {
      start(exit.record, options, undefined, view)
      return
    }
    view.end(exit.ending)
    runs.delete(record.id)
  }

  async function enqueue(
    record: ReplyRecord,
    options: PromptOptions,
  ): Promise<ReplyRecord | ReplyRejection | undefined> {
    const queued = await queue.enter(record)
    if (queued !== undefined && !('type' in queued)) wait(queued, options)
    return queued
  }

  async function stop(deadlineMs: number): Promise<void> {
    isClosing = true
    const end = performance.now() + deadlineMs
    const allDone = (share: number) =>
      withTimeout(
        Promise.all([...runs.values()].map(({ done }) => done)),
        Math.max(0, end - performance.now()) * share,
      ).catch(() => undefined)
    await allDone(FINISHING_SHARE)
    for (const { run } of runs.values()) run?.stop('SHUTDOWN')
    await allDone(SEALING_SHARE)
    isGivenUp = true
    for (const { run } of runs.values()) run?.giveUp()
  }

  return {
    get isClosing() {
      return isClosing
    },

    find: (replyId) => runs.get(replyId),
    start: (record, options, path) => start(record, options, path),
    enqueue,
    stop,
  }
}
