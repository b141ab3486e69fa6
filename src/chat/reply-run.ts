import { BadUserInputError, ClientMessageIdConflictError, HistoryUnavailableError, NotFoundError } from '../errors.ts'
import type { TurnPath } from '../memory/context-reader.ts'
import type { Memory } from '../memory/memory.ts'
import type { Message, MessagePart, Usage } from '../memory/message.ts'
import type { InterruptReason, ReplyChanges, ReplyOutcome, ReplyRecord, ReplyRecords } from '../memory/reply-record.ts'
import type { TokenCounter } from '../memory/token-counter.ts'
import { type ChatModel, ModelError } from './chat-model.ts'
import { callModel, type ModelAnswer, type ModelTimeouts } from './model-call.ts'
import type { ReplyEnding } from './reply-event.ts'
import { GONE, type ReplyFinisher } from './reply-finisher.ts'
import type { ReplyLog } from './reply-log.ts'
import { type PreparedTurn, prepareStoredTurn, prepareTurn, type TurnOptions } from './reply-turn.ts'
import type { ReplyViewControl } from './reply-view.ts'
import { estimateUsage } from './usage-estimate.ts'

export interface ReplyRunParts {
  records: ReplyRecords
  memory: Pick<Memory, 'readTurn' | 'appendBehind'>
  counter: TokenCounter
  model: ChatModel
  finisher: ReplyFinisher
  log: ReplyLog
  /** Epoch milliseconds. */
  now: () => number
  /** A fault that the run lives on with: a checkpoint or a seal that is tried again. */
  onFault: (replyId: string, error: unknown) => void
}

export interface ReplyRunLimits extends ModelTimeouts {
  leaseMs: number
  checkpointMs: number
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

/** Why a run's model call was aborted from outside. */
class InterruptedError extends Error {
  readonly outcome: ReplyOutcome
  constructor(outcome: ReplyOutcome) {
    super('The reply was interrupted')
    this.outcome = outcome
  }
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
  firstTurn: TurnPath | undefined,
  view: ReplyViewControl,
): ReplyRun {
  const { records, memory, counter, model, finisher, log, now, onFault } = parts
  const { id } = record
  const content: { text: string; parts: MessagePart[] } = { text: '', parts: [] }
  let prepared: PreparedTurn | undefined
  let question: Message | undefined
  let answer: ModelAnswer | undefined
  let phase: 'RUN' | 'STOP' = 'RUN'
  let leaseEnds = performance.now() + limits.leaseMs
  let interrupted: InterruptedError | undefined
  let abortCall: (reason: Error) => void = () => {}
  let isGivenUp = false
  let isOver = false
  let isRenewing = false
  let isKnown = false
  let loggedLength = 0
  let checkpointTimer: NodeJS.Timeout | undefined

  const listener = {
    onText(text: string) {
      content.text += text
      publish(text)
    },
    onToolCall(part: MessagePart) {
      content.parts.push(part)
      publish()
    },
  }

  /** Nothing before the question is durable, and nothing on a lease that may be another's by now. */
  function publish(added = ''): void {
    if (view.start === undefined || performance.now() > leaseEnds) return
    const { text } = content
    view.setText(text)
    // Most often only what was just added: a slice would copy the whole text, which is a rope until then.
    const isNext = loggedLength + added.length === text.length
    if (loggedLength < text.length) log.write(id, loggedLength, isNext ? added : text.slice(loggedLength))
    loggedLength = text.length
    for (const part of content.parts.slice(view.parts.length)) view.addPart(part)
  }

  function interrupt(outcome: ReplyOutcome): void {
    interrupted ??= new InterruptedError(outcome)
    abortCall(interrupted)
  }

  async function converse(): Promise<ReplyOutcome> {
    for (let known = firstTurn; ; known = undefined) {
      const turn = known ?? (await readTurn())
      const [tokens = 0] = await counter.countMessages(turn.conversation.encoding, [record.question])
      prepared = question
        ? prepareStoredTurn(turn, question, options, model.defaultModel)
        : prepareTurn(turn, record.question, tokens, options, model.defaultModel)
      const call = new AbortController()
      abortCall = (reason) => call.abort(reason)
      if (interrupted) throw interrupted
      const answering = callModel(model, prepared.request, limits, listener, call.signal)
      // Judged below, when the question's place is known.
      answering.catch(() => {})
      try {
        if (question !== undefined || (await isPlaced(turn, tokens, prepared))) return await listen(answering)
      } finally {
        // For an old context, a refused question and an end alike: nobody listens to this call any more.
        call.abort()
      }
      Object.assign(content, { text: '', parts: [] })
    }
  }

  /** Whether the question stands exactly behind what the model was given. */
  async function isPlaced(turn: TurnPath, tokens: number, built: PreparedTurn): Promise<boolean> {
    const { conversation, path } = turn
    const placed = await memory.appendBehind(
      { conversation, readAt: turn.readAt, head: path.head },
      record.question,
      tokens,
    )
    if (placed.type === 'TAKEN') return false
    question = placed.message
    return placed.message.id === built.question.id
  }

  function readTurn(): Promise<TurnPath> {
    return memory.readTurn(record.ownerId, record.conversationId, options.maxTokens)
  }

  async function listen(answering: Promise<ModelAnswer>): Promise<ReplyOutcome> {
    if (prepared === undefined || question === undefined) throw new TypeError('A reply without a question')
    view.begin({ question, context: prepared.context, model: prepared.request.model })
    publish()
    checkpointIn(0)
    answer = await answering
    return { type: 'COMPLETED', finishReason: answer.finishReason }
  }

  /** One checkpoint at a time, at the interval or when somebody says to look. */
  function checkpointIn(delayMs: number): void {
    clearTimeout(checkpointTimer)
    if (!isOver && !isRenewing) checkpointTimer = setTimeout(() => void checkpoint(), delayMs)
  }

  /** Renewal is the checkpoint (B3): where it changes nothing, somebody else has decided. */
  async function checkpoint(): Promise<void> {
    isRenewing = true
    const sentAt = performance.now()
    try {
      const lease = { leaseUntil: now() + limits.leaseMs, bumpBeat: true as const }
      if (await records.change(id, { phase: 'RUN' }, { text: content.text, ...lease, ...(await known()) })) {
        leaseEnds = sentAt + limits.leaseMs
        publish()
      } else if (!isOver) await meetDecision()
    } catch (error) {
      onFault(id, error)
    }
    isRenewing = false
    checkpointIn(limits.checkpointMs)
  }

  /** What a finisher elsewhere would lack, once. */
  async function known(): Promise<ReplyChanges> {
    if (isKnown || question === undefined || prepared === undefined) return {}
    isKnown = true
    const usage = await estimateUsage(counter, prepared, '')
    return { questionId: question.id, model: prepared.request.model, usage }
  }

  async function lookBefore(): Promise<void> {
    try {
      const found = await records.find(id)
      if (found?.phase === 'STOP') await meetDecision(found)
    } catch (error) {
      onFault(id, error)
    }
  }

  async function meetDecision(known?: ReplyRecord): Promise<void> {
    const found = known ?? (await records.find(id))
    if (found?.phase === 'STOP') phase = 'STOP'
    interrupt({ type: 'INTERRUPTED', reason: found?.stop ?? 'NODE_LOST' })
  }

  async function run(): Promise<void> {
    const timeout = setTimeout(() => interrupt({ type: 'INTERRUPTED', reason: 'TIMEOUT' }), limits.replyTimeoutMs)
    const outcome = await converse().catch((error: unknown) => outcomeOf(error, () => onFault(id, error)))
    clearTimeout(timeout)
    const usage = answer?.usage ?? (prepared && (await estimateUsage(counter, prepared, content.text)))
    const ending = await sealUntilDone(outcome, usage)
    isOver = true
    clearTimeout(checkpointTimer)
    if (ending === undefined) return
    view.end(ending)
    log.end(id)
  }

  /** Undefined: given up. */
  async function sealUntilDone(outcome: ReplyOutcome, usage: Usage | undefined): Promise<ReplyEnding | undefined> {
    for (;;) {
      try {
        const ended = await seal(outcome, usage)
        if (ended === undefined) return GONE
        const ending = await finisher.endingOf(ended)
        publishRest(ended)
        return ending
      } catch (error) {
        onFault(id, error)
      }
      if (isGivenUp) return undefined
      await new Promise((resolve) => setTimeout(resolve, limits.checkpointMs))
    }
  }

  /** What is sealed is ours to tell, also where a lease was over before it could be told. */
  function publishRest(ended: ReplyRecord): void {
    if (view.start === undefined) return
    view.setText(ended.text)
    for (const part of ended.parts.slice(view.parts.length)) view.addPart(part)
  }

  /** B5: one conditional write fixes outcome and text, then the messages. Undefined: the record is gone. */
  async function seal(outcome: ReplyOutcome, usage: Usage | undefined): Promise<ReplyRecord | undefined> {
    const sealed = {
      phase: 'SEALED' as const,
      outcome,
      // What a model said to a question that is not stored was told to nobody.
      ...(question ? content : { text: '', parts: [] }),
      ...(usage && { usage }),
      ...(question && { questionId: question.id }),
      ...(prepared && { model: prepared.request.model }),
    }
    if (await records.change(id, { phase }, sealed)) return finisher.finish({ ...record, ...sealed })
    const found = await records.find(id)
    if (found?.phase === 'STOP' && phase === 'RUN') {
      phase = 'STOP'
      return seal(outcome, usage)
    }
    return found && finisher.finish(found)
  }

  return {
    record,
    stop: (reason) => interrupt({ type: 'INTERRUPTED', reason }),
    // Following the log begins with a wake, and no checkpoint may come before the question.
    look: () => (view.start === undefined ? void lookBefore() : checkpointIn(0)),
    giveUp() {
      isGivenUp = true
    },
    done: run().catch((error: unknown) => onFault(id, error)),
  }
}

/** How a run ended that did not complete. */
function outcomeOf(error: unknown, report: () => void): ReplyOutcome {
  if (error instanceof InterruptedError) return error.outcome
  if (error instanceof ModelError) {
    return { type: 'FAILED', code: error.code, detail: error.message, retryable: error.retryable }
  }
  if (error instanceof HistoryUnavailableError) {
    return { type: 'FAILED', code: error.code, detail: error.message, retryable: true }
  }
  if (
    error instanceof BadUserInputError ||
    error instanceof ClientMessageIdConflictError ||
    error instanceof NotFoundError
  ) {
    return { type: 'REJECTED', code: error.code, detail: error.message }
  }
  report()
  return { type: 'FAILED', code: 'INTERNAL', detail: 'Something went wrong here; it was logged.', retryable: false }
}
