import type { FinishReason } from '../../../memory/message.ts'
import { ModelError, type ModelEvent } from '../chat-model.ts'
import { broken, toEventError } from '../openai-error.ts'
import { readCallsOfMessage } from './calls-of-message.ts'
import { type DeltaFields, readDelta } from './delta-fields.ts'
import { namesOf } from './dialects/dialect.ts'
import { SILENT } from './dialects/silent-dialects.ts'
import { type Fields, fieldsOf, storableOf } from './fields.ts'
import { FINISH_PLACES, finishMeaningOf, finishWordIn, saysWhetherDone } from './finish-words.ts'
import { createMessageState } from './message-state.ts'
import { checkCount, createOwnChoice } from './own-choice.ts'
import { plainTextOf } from './plain-text.ts'
import { ERROR_PLACES, errorIn, errorInChoice, readProviderError } from './provider-error.ts'
import { createReadEvents } from './read-events.ts'
import { createSaidText, type MessageKind, type Said } from './said-text.ts'
import { createThoughtTags } from './thought-tags.ts'
import { createToolCallAssembly } from './tool-call-assembly.ts'
import { createUnknownShapes, SILENT_EVENT } from './unknown-shapes.ts'
import { createUsageReader, USAGE_ROOTS } from './usage-fields.ts'
import type { WireEvent } from './wire-reader.ts'

/** Whose answer it is. */
export interface AnswerSource {
  /** Never shown to clients. */
  apiKey?: string | undefined
  /** See `ChatModel.provider`. */
  provider?: string
}

/** One answer of a model while it is read. */
export interface AnswerReader {
  /** What an event of the wire says is taken by `takeEvents`; throws ModelError where it says that the model failed. */
  read(event: WireEvent): void
  /** The body has ended. Throws ModelError where that is no end of an answer. */
  end(): void
  /** Nothing more is read: what was held back until it is known what it is counts as it stands. */
  release(): void
  /** What was read since the last call, in its order. */
  takeEvents(): ModelEvent[]
  /** `[DONE]` has come: nothing that follows counts. */
  readonly isDone: boolean
}

/** So many characters an answer may hold in what is not text, as the record of a reply must hold it all. */
const MAX_HELD_CHARACTERS = 4 * 1024 * 1024
const MAX_VALUES = 10_000
/** Where an event says something else than text. */
const OTHER_PLACES = [...ERROR_PLACES, ...USAGE_ROOTS]
const CHOICE_FIELDS = ['delta', 'message', 'text', ...FINISH_PLACES, 'native_finish_reason']
/** An event may be its own choice. */
const KNOWN_EVENT_FIELDS = new Set([...SILENT_EVENT, ...OTHER_PLACES, ...CHOICE_FIELDS, 'choices'])
const KNOWN_CHOICE_FIELDS = new Set([...KNOWN_EVENT_FIELDS, ...namesOf(SILENT, 'nothing in a choice')])

/**
 * Reads what a chat completions server says, in any of the dialects of dialects/, into one strict form. What is not
 * understood is never lost in silence: unknown content becomes a part of its own, and an answer that ends with nothing
 * but unknown events says what they were.
 */
export function createAnswerReader({ apiKey, provider = '' }: AnswerSource): AnswerReader {
  const events = createReadEvents()
  const ownChoice = createOwnChoice()
  const calls = createToolCallAssembly()
  const usage = createUsageReader()
  const tags = createThoughtTags(addText)
  const said = createSaidText({
    say: (type, text) => (type === 'text' ? tags.push(text) : addText(type, text)),
    note: (text) => shapes.note('choice', 'message', text),
  })
  const state = createMessageState(count)
  let reasoningField: string | undefined
  let reason: FinishReason | undefined
  let unknownWord = ''
  let hasContent = false
  let hasDeltaCalls = false
  let heldCharacters = 0
  let isDone = false
  let isAlive = false
  let isPage = false
  const shapes = createUnknownShapes()

  function read(event: WireEvent): void {
    if (isDone) return
    if (event.type === 'value') readValue(event.value, event.name)
    else if (event.type === 'done') endWithDone()
    else {
      if (event.type === 'junk') ignoreLine(event.text)
      isAlive = true
    }
  }

  function readValue(value: unknown, name: string | undefined): void {
    const values = Array.isArray(value) ? value : [value]
    checkCount(values, MAX_VALUES, 'events in one')
    for (const one of values) readEvent(one, name)
  }

  function readEvent(value: unknown, name: string | undefined): void {
    const event = fieldsOf(value)
    if (event === undefined) {
      if (value === null) return
      throw broken('The model sent an event that cannot be read.')
    }
    isAlive = true
    const plain = name === undefined && ownChoice.isFirst ? plainTextOf(event) : undefined
    if (plain !== undefined) {
      said.add('text', plain)
      return
    }
    const choices = ownChoice.piecesIn(event)
    for (const choice of choices) readText(choice)
    const error = errorIn(event, name) ?? choices.map(errorInChoice).find((found) => found !== undefined)
    if (error !== undefined) throw toEventError(readProviderError(error), apiKey)
    // What stands beside the choices is mostly there in every event: that of the end counts.
    const isEnd = choices.some((choice) => finishWordIn(choice) !== '')
    if (isEnd || (choices.length === 0 && !('choices' in event))) shapes.noteOthers('event', event, KNOWN_EVENT_FIELDS)
    for (const choice of choices) readFinish(choice)
    const hasUsage = [event, ...choices].map((place) => usage.add(place)).some(Boolean)
    const found = hasUsage ? usage.usage() : undefined
    if (found) events.push({ type: 'usage', usage: found })
  }

  function readText(choice: Fields): void {
    const { delta, message, text } = choice
    const isPiece = saysWhetherDone(choice)
    const isLast = reason !== undefined || finishWordIn(choice) !== ''
    const beside = delta === undefined || delta === null ? [] : readSaid('delta', delta)
    const kind = { isPiece, isLast, beside }
    const inMessage = message === undefined || message === null ? [] : readSaid('message', message, kind)
    if (typeof text === 'string') readBareText(text, { ...kind, beside: beside.length > 0 ? beside : inMessage })
    shapes.noteOthers('choice', choice, KNOWN_CHOICE_FIELDS)
  }

  /** A text beside a delta says it again. */
  function readBareText(text: string, kind: MessageKind): void {
    if (kind.beside.some(({ type }) => type === 'text')) said.addMessage([{ type: 'text', text }], kind)
    else said.add('text', text)
  }

  /** Returns its texts. */
  function readSaid(place: 'delta' | 'message', given: unknown, kind?: MessageKind): readonly Said[] {
    const fields = typeof given === 'string' ? { content: given } : fieldsOf(given)
    if (fields === undefined) {
      shapes.note('choice', place, given)
      return []
    }
    const { texts, calls: pieces, state: kept, unknown, reasoningField: field } = readDelta(fields, shapes)
    reasoningField ??= field
    if (kind) said.addMessage(texts, kind)
    else for (const { type, text } of texts) said.add(type, text)
    if (pieces.length > 0) readCalls(pieces, kind)
    state.add(kept, kind !== undefined)
    for (const item of unknown) addUnknown(item)
    return texts
  }

  function readCalls(pieces: DeltaFields['calls'], kind: MessageKind | undefined): void {
    if (kind === undefined) {
      hasDeltaCalls = true
      addCalls(pieces)
      return
    }
    const { isPiece } = kind
    const {
      rests,
      pieces: added,
      others,
    } = readCallsOfMessage(pieces, calls.known, { hasDeltas: hasDeltaCalls, isPiece })
    for (const { text } of rests) count(text.length)
    calls.addRests(rests)
    addCalls(added)
    for (const other of others) shapes.note('choice', 'message', storableOf(other))
  }

  function addCalls(pieces: DeltaFields['calls']): void {
    for (const { name = '', id = '', arguments: text = '', state: kept } of pieces) {
      count(name.length + id.length + text.length + (kept ? JSON.stringify(kept).length : 0))
    }
    calls.add(pieces)
    if (reason !== undefined) finish(reason)
  }

  function addUnknown(item: unknown): void {
    const part = shapes.readItem(item)
    hasContent = true
    events.push({ type: 'part', part })
  }

  function readFinish(choice: Fields): void {
    const word = finishWordIn(choice)
    const meaning = finishMeaningOf(word)
    if (meaning === 'FAILURE' || (word !== '' && finishMeaningOf(choice.native_finish_reason) === 'FAILURE')) {
      if (reason === undefined) throw failure()
    } else if (meaning !== undefined) finish(meaning)
    // A word that nobody knows ends an answer that said something, and only that.
    else if (word !== '' && (hasContent || calls.hasBegun())) finish('STOP')
    else unknownWord ||= word
  }

  function finish(given: FinishReason, isLast = false): void {
    release()
    const part = shapes.take()
    if (part !== undefined) events.push({ type: 'part', part })
    const parts = calls.finish(given, isLast)
    if (parts.length > 0) hasContent = true
    for (const called of parts) {
      const { providerMetadata: call } = called
      events.push({
        type: 'toolCall',
        part: call === undefined ? called : { ...called, providerMetadata: { provider, call } },
      })
    }
    // Some servers say "stop" also when they wait for the results of calls.
    const next = given === 'STOP' && calls.hasGiven() ? 'TOOL_CALLS' : given
    if (reason === undefined || parts.length > 0) {
      reason = next
      events.push({ type: 'finish', reason })
    }
  }

  /** Who writes [DONE] has come to the end, also without a reason for it; but half a call is no end. */
  function endWithDone(): void {
    isDone = true
    if (reason === undefined) checkContent()
    if (reason === undefined && !calls.areWhole()) throw broken('The model broke off in the middle of a tool call.')
    close(reason ?? 'STOP')
  }

  function end(): void {
    if (reason === undefined) {
      checkContent()
      throw broken('The model stopped before its answer was finished.')
    }
    close(reason)
  }

  function checkContent(): void {
    release()
    if (!hasContent && !calls.hasBegun()) throw notAnAnswer()
  }

  function close(given: FinishReason): void {
    finish(given, true)
    // Thoughts go back only with the calls that came of them.
    const reasoning = reasoningField && calls.hasGiven() ? { reasoning: reasoningField } : {}
    const message = state.read()
    if (message || 'reasoning' in reasoning) {
      events.push({ type: 'state', state: { provider, ...reasoning, ...(message && { message }) } })
    }
  }

  function notAnAnswer(): ModelError {
    const { count, names } = shapes.summary()
    if (isPage) return broken('What the model sent is no answer of a chat completions API but a text or a page.')
    const fields = names.length > 0 ? `, in ${names.join(', ')}` : ''
    if (count > 0) return broken(`The model said nothing but ${count} values that are not understood${fields}.`)
    if (unknownWord !== '') return broken(`The model ended with the finish reason "${unknownWord}" and said nothing.`)
    return broken('The model ended without an answer.')
  }

  function ignoreLine(text: string): void {
    isPage = shapes.noteLine(text) || isPage
  }

  function release(): void {
    said.settle()
    tags.flush()
  }

  function addText(type: 'text' | 'reasoning', text: string): void {
    hasContent = true
    events.addText(type, text)
  }

  function count(characters: number): void {
    heldCharacters += characters
    if (heldCharacters <= MAX_HELD_CHARACTERS) return
    const detail = `The answer holds more than ${MAX_HELD_CHARACTERS} characters in its tool calls.`
    throw new ModelError('MODEL_STREAM_BROKEN', detail, { retryable: false })
  }

  /** A sign of life is told only where nothing else is. */
  function takeEvents(): ModelEvent[] {
    const taken = events.take()
    const isSilent = taken.length === 0 && isAlive
    isAlive = false
    return isSilent ? [{ type: 'activity' }] : taken
  }

  return {
    read,
    end,
    release,
    takeEvents,
    get isDone() {
      return isDone
    },
  }
}

function failure(): ModelError {
  const detail = 'The model broke off its answer and named a failure as the reason.'
  return new ModelError('MODEL_UNAVAILABLE', detail, { retryable: true })
}
