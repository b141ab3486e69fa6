import type { InterruptReason, ReplyOutcome, ReplyRecord, ReplyRecords } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import type { Message, Usage } from '../../memory/message.ts'
import type { PromptPath } from '../../memory/read/prompt-reader.ts'
import type { TokenCounter } from '../../memory/tokens/token-counter.ts'
import type { ReplyFinisher } from '../end/reply-finisher.ts'
import { sealedContent, sealUntilDone } from '../end/reply-seal.ts'
import type { ReplyViewControl } from '../follow/reply-view.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import type { ChatModel, ModelAnswer, ModelTimeouts } from '../model/chat-model.ts'
import { callModel } from '../model/model-call.ts'
import { createReplyCheckpoint } from './reply-checkpoint.ts'
import { createReplyContent } from './reply-content.ts'
import { createReplyLease, type ReplyLeaseLimits } from './reply-lease.ts'
import { InterruptedError, outcomeOf } from './reply-outcome.ts'
import type { RenewReply } from './reply-renewals.ts'
import {
  answeredMessage,
  type PreparedTurn,
  prepareStoredTurn,
  prepareTurn,
  readReplyTurn,
  replyFacts,
  type TurnOptions,
} from './reply-turn.ts'
import { estimateUsage } from './usage-estimate.ts'

/** What a run needs. */
export interface ReplyRunParts {
  records: ReplyRecords
  renew: RenewReply
  memory: Pick<Memory, 'readPrompt' | 'appendBehind'>
  counter: TokenCounter
  model: ChatModel
  finisher: ReplyFinisher
  log: ReplyLog
  /** Epoch milliseconds. */
  now: () => number
  /** A fault that the run lives on with: a checkpoint or a seal that is tried again. */
  onFault: (replyId: string, error: unknown) => void
}

/** The times of a run; milliseconds. */
export interface ReplyRunLimits extends ModelTimeouts, ReplyLeaseLimits {
  replyTimeoutMs: number
}

/** A reply that this node runs. */
export interface ReplyRun {
  readonly record: ReplyRecord
  /** Stops the model at once; the text so far is sealed. The first reason counts. */
  stop(reason: InterruptReason): void
  /** Somebody changed the record: look at it now, not at the next checkpoint. */
  look(): void
  /** No seal is tried again: the process ends. */
  giveUp(): void
  /** Settles when the reply is ENDED, or given up; never rejects. */
  readonly done: Promise<void>
}

/**
 * Runs a claimed reply to its end, by protocol B2, B3 and B5: the model call and the question's insert
 * together, checkpoints that renew the lease, one seal. The token loop waits for nobody. `firstTurn` is
 * what the claim read; undefined: read it.
 */
export function startReplyRun(
  parts: ReplyRunParts,
  limits: ReplyRunLimits,
  record: ReplyRecord,
  options: TurnOptions,
  firstTurn: PromptPath | undefined,
  view: ReplyViewControl,
): ReplyRun {
  const { records, renew, memory, counter, model, finisher, log, now, onFault } = parts
  const { id } = record
  let prepared: PreparedTurn | undefined
  let question: Message | undefined
  let answer: ModelAnswer | undefined
  let phase: 'RUN' | 'STOP' = 'RUN'
  let interrupted: InterruptedError | undefined
  let abortCall: (reason: Error) => void = () => {}
  let isGivenUp = false
  const fault = (error: unknown): undefined => void onFault(id, error)
  // Nothing before the question is durable, and nothing on a lease that may be another's by now.
  const mayTell = () => view.start !== undefined && lease.isHeld()
  const content = createReplyContent({ replyId: id, view, log, mayTell })
  const facts = async () => replyFacts(question, prepared, await estimate(''))
  const checkpoint = createReplyCheckpoint({ content, facts })
  const lease = createReplyLease(
    { renew, now, ...checkpoint, onRenewed, onRefused: look, onFault: fault },
    limits,
    record,
  )

  function interrupt(reason: InterruptReason): void {
    interrupted ??= new InterruptedError(reason)
    abortCall(interrupted)
  }

  async function converse(): Promise<ReplyOutcome> {
    for (let known = firstTurn; ; known = undefined) {
      const turn = known ?? (await readReplyTurn(memory, record, question))
      if (record.question === undefined) question = answeredMessage(turn, options.maxTokens)
      prepared = question ? prepareStoredTurn(turn, question, options, model.defaultModel) : await prepareQuestion(turn)
      const call = new AbortController()
      abortCall = (reason) => call.abort(reason)
      if (interrupted) throw interrupted
      const answering = callModel(model, prepared.request, limits, content, call.signal)
      // Judged below, when the question's place is known.
      answering.catch(() => {})
      try {
        if (question !== undefined || (await isPlaced(turn, prepared.question))) return await listen(answering)
      } finally {
        // For an old context, a refused question and an end alike: nobody listens to this call any more.
        call.abort()
      }
      content.forget()
    }
  }

  async function prepareQuestion(turn: PromptPath): Promise<PreparedTurn> {
    const { question: draft } = record
    if (draft === undefined) throw new TypeError('A turn without a question')
    const [tokens = 0] = await counter.countMessages(turn.conversation.encoding, [draft])
    return prepareTurn(turn, draft, tokens, options, model.defaultModel)
  }

  /** Whether the question stands exactly behind what the model was given. */
  async function isPlaced(turn: PromptPath, built: Message): Promise<boolean> {
    const placed = await memory.appendBehind({ ...turn, head: turn.path.head }, built, built.tokens)
    if (placed.type === 'TAKEN') return false
    question = placed.message
    return placed.message.id === built.id
  }

  async function listen(answering: Promise<ModelAnswer>): Promise<ReplyOutcome> {
    if (prepared === undefined || question === undefined) throw new TypeError('A reply without a question')
    view.begin({ question, context: prepared.context, model: prepared.request.model })
    content.tell()
    lease.start()
    answer = await answering
    return { type: 'COMPLETED', finishReason: answer.finishReason }
  }

  /** A reply is renewed and ended also where its cost cannot be counted. */
  async function estimate(text: string): Promise<Usage | undefined> {
    return prepared && estimateUsage(counter, prepared, text).catch(fault)
  }

  function onRenewed(): void {
    checkpoint.onSaved()
    content.tell()
  }

  /** Cheaper and sooner than a checkpoint: one that is under way may have been sent before what it is to see. */
  async function look(): Promise<void> {
    const found = await records.find(id)
    if (found?.phase !== 'RUN') decide(found)
  }

  /** Somebody else has decided: it is to stop, or was taken over, or its conversation was deleted. */
  function decide(found: ReplyRecord | undefined): void {
    if (found?.phase === 'STOP') phase = 'STOP'
    interrupt(found?.stop ?? 'NODE_LOST')
  }

  async function run(): Promise<void> {
    const timeout = setTimeout(() => interrupt('TIMEOUT'), limits.replyTimeoutMs)
    const outcome = await converse().catch((error: unknown) => outcomeOf(error, () => fault(error)))
    clearTimeout(timeout)
    const usage = answer?.usage ?? (await estimate(content.text))
    const retry = { everyMs: limits.checkpointMs, isGivenUp: () => isGivenUp, onFault: fault }
    const sealed = sealedContent(outcome, question && content, replyFacts(question, prepared, usage))
    const told = await sealUntilDone({ records, finisher }, record, phase, sealed, retry)
    lease.stop()
    if (told === undefined) return
    // What is sealed is ours to tell, also where a lease was over before it could be told.
    if (view.start !== undefined) view.placeText(0, told.text)
    for (const part of view.start === undefined ? [] : told.parts.slice(view.parts.length)) view.addPart(part)
    view.end(told.ending)
    log.end(id)
  }

  return {
    record,
    stop: interrupt,
    look: () => void look().catch(fault),
    giveUp() {
      isGivenUp = true
    },
    done: run().catch(fault),
  }
}
