import type { InterruptReason, ReplyOutcome, ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import type { Message, Usage } from '../../memory/message.ts'
import type { PromptPath } from '../../memory/read/prompt-reader.ts'
import type { TokenCounter } from '../../memory/tokens/token-counter.ts'
import { GONE, type ReplyFinisher } from '../end/reply-finisher.ts'
import { replyDraft, unstoredMessage } from '../end/reply-message.ts'
import { type SealedContent, sealedContent, sealUntilDone } from '../end/reply-seal.ts'
import { createFaultSeries, type FaultHooks } from '../fault-series.ts'
import { placeSaid, type ReplyViewControl } from '../follow/reply-view.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import type { ChatModel, ModelAnswer, ModelTimeouts } from '../model/chat-model.ts'
import { callModel } from '../model/model-call.ts'
import { createReplyCheckpoint } from './reply-checkpoint.ts'
import { createReplyContent } from './reply-content.ts'
import { createReplyLease, type ReplyLeaseLimits } from './reply-lease.ts'
import { INTERNAL, InterruptedError, outcomeOf, unsealedEnding } from './reply-outcome.ts'
import { buildPrompt, type Prompt, type PromptOptions, readPromptPath, replyFacts } from './reply-prompt.ts'
import type { RenewReply } from './reply-renewals.ts'
import { estimateUsage } from './usage-estimate.ts'

/** What a run is made of. */
export interface ReplyRunDeps extends FaultHooks {
  records: ReplyRecords
  renew: RenewReply
  memory: Pick<Memory, 'readPrompt' | 'appendBehind'>
  counter: TokenCounter
  model: ChatModel
  finisher: ReplyFinisher
  log: ReplyLog
  /** Epoch milliseconds. */
  now: () => number
}

/** The times of a run; milliseconds. */
export interface ReplyRunLimits extends ModelTimeouts, ReplyLeaseLimits {
  replyTimeoutMs: number
}

/** A seal is tried so often, also where it comes when the reply's time is over. */
const LEAST_SEALS = 3

/** A reply that this node runs. */
export interface ReplyRun {
  readonly record: ReplyRecord
  /** Stops the model at once; the text so far is sealed. The first reason counts. */
  stop(reason: InterruptReason): void
  /** Checks the record now, not at the next checkpoint: somebody changed it. */
  check(): void
  /** No seal is tried again: the process ends. */
  giveUp(): void
  /** Settles when the reply is ENDED, or given up; never rejects. */
  readonly done: Promise<void>
}

/**
 * Runs a claimed reply to its end, by protocol B2, B3 and B5: the model call and the question's insert
 * together, checkpoints that renew the lease, one seal. The token loop waits for nobody. `firstPath` is
 * what the claim read; undefined: read it.
 */
export function startReplyRun(
  deps: ReplyRunDeps,
  limits: ReplyRunLimits,
  record: ReplyRecord,
  options: PromptOptions,
  firstPath: PromptPath | undefined,
  view: ReplyViewControl,
): ReplyRun {
  const { records, renew, memory, counter, model, finisher, log, now } = deps
  const { id, ownerId } = record
  let prompt: Prompt | undefined
  let question: Message | undefined
  let answer: ModelAnswer | undefined
  let phase: 'RUN' | 'STOP' = record.phase === 'STOP' ? 'STOP' : 'RUN'
  let interrupted: InterruptedError | undefined
  let abortCall: (reason: Error) => void = () => {}
  let isGivenUp = false
  const deadline = performance.now() + limits.replyTimeoutMs
  const { onFault, onSuccess } = createFaultSeries(id, deps)
  const report = (error: unknown): undefined => void deps.onFault(id, error)
  // Nothing before the question is durable, and nothing on a lease that may be another's by now.
  const mayPublish = () => view.start !== undefined && lease.isHeld()
  const content = createReplyContent({ replyId: id, view, log, mayPublish })
  const facts = async () => replyFacts(question, prompt, await estimate(''))
  const checkpoint = createReplyCheckpoint({ content, facts })
  const lease = createReplyLease({ renew, now, ...checkpoint, onRenewed, onRefused: check, onFault }, limits, record)

  function interrupt(reason: InterruptReason): void {
    interrupted ??= new InterruptedError(reason)
    abortCall(interrupted)
  }

  async function converse(): Promise<ReplyOutcome> {
    for (let known = firstPath; ; known = undefined) {
      const path = known ?? (await readPromptPath(memory, record, question))
      prompt = await buildPrompt(
        { counter, defaultModel: model.defaultModel, provider: model.provider },
        path,
        record.question,
        question,
        options,
      )
      if (prompt.isStored) question = prompt.question
      const call = new AbortController()
      abortCall = (reason) => call.abort(reason)
      if (interrupted) throw interrupted
      const answering = callModel(model, prompt.request, limits, content, call.signal)
      // Judged below, when the question's place is known.
      answering.catch(() => {})
      try {
        if (question !== undefined || (await isPlaced(path, prompt.question))) return await listen(answering)
      } finally {
        // For an old context, a refused question and an end alike: nobody reads this call's answer any more.
        call.abort()
      }
      content.reset()
    }
  }

  /** Whether the question stands exactly behind what the model was given. */
  async function isPlaced(path: PromptPath, built: Message): Promise<boolean> {
    const placed = await memory.appendBehind({ ...path, head: path.path.head }, built, built.tokens)
    if (placed.type === 'TAKEN') return false
    question = placed.message
    return placed.message.id === built.id
  }

  async function listen(answering: Promise<ModelAnswer>): Promise<ReplyOutcome> {
    if (prompt === undefined || question === undefined) throw new TypeError('A reply without a question')
    view.begin({ question, context: prompt.context, model: prompt.request.model })
    content.publish()
    lease.start()
    answer = await answering
    return { type: 'COMPLETED', finishReason: answer.finishReason }
  }

  /** A reply is renewed and ended also where its cost cannot be counted. */
  async function estimate(text: string): Promise<Usage | undefined> {
    return prompt && estimateUsage(counter, prompt, text).catch(report)
  }

  function onRenewed(): void {
    onSuccess()
    checkpoint.onSaved()
    content.publish()
  }

  /** Cheaper and sooner than a checkpoint: one that is under way may have been sent before what it is to see. */
  async function check(): Promise<number | undefined> {
    const found = await records.find(ownerId, id)
    if (found?.phase === 'RUN') return found.beat
    decide(found)
    return undefined
  }

  /** Somebody else has decided: it is to stop, or was taken over, or its conversation was deleted. */
  function decide(found: ReplyRecord | undefined): void {
    if (found?.phase === 'STOP') phase = 'STOP'
    interrupt(found?.stop ?? 'NODE_LOST')
  }

  function giveUp(): void {
    isGivenUp = true
  }

  async function run(): Promise<void> {
    const timeout = setTimeout(() => interrupt('TIMEOUT'), limits.replyTimeoutMs)
    const outcome = await converse().catch((error: unknown) => outcomeOf(error, () => report(error)))
    clearTimeout(timeout)
    const usage = answer?.usage ?? (await estimate(content.text + content.reasoning))
    const everyMs = limits.checkpointMs
    const until = Math.max(deadline, performance.now() + LEAST_SEALS * everyMs)
    const retry = { everyMs, until, isGivenUp: () => isGivenUp, onFault }
    const sealed = sealedContent(outcome, question && content, replyFacts(question, prompt, usage))
    const end = await sealUntilDone({ records, finisher }, record, phase, sealed, retry)
    lease.stop()
    if (end === undefined) return
    if ('error' in end) return endUnsealed(end.error, sealed)
    onSuccess()
    // What is sealed may be published, also where the lease was over before.
    if (view.start !== undefined) placeSaid(view, end)
    for (const part of view.start === undefined ? [] : end.parts.slice(view.parts.length)) view.addPart(part)
    view.end(end.ending)
    log.end(id, end.ending === GONE)
  }

  /** No store took its end in time: subscribers get all of it, and whoever takes the record over what was saved. */
  function endUnsealed(error: unknown, sealed: SealedContent): void {
    report(error)
    const draft = question && replyDraft({ ...record, ...sealed, outcome: INTERNAL }, question.id, now())
    view.end({ ...unsealedEnding(error), ...(question && draft && { partial: unstoredMessage(question, draft) }) })
    log.end(id)
  }

  /** A fault of our own; a run that is dropped ends its view. */
  function fail(error: unknown): void {
    report(error)
    lease.stop()
    view.end({ ...INTERNAL, type: 'ReplyFailed' })
    log.end(id)
  }

  // Its answer to a promotion was lost, and it was to stop meanwhile.
  if (record.phase === 'STOP') interrupt(record.stop ?? 'CANCELLED')

  return {
    record,
    stop: interrupt,
    check: () => void check().catch(onFault),
    giveUp,
    done: run().catch(fail),
  }
}
