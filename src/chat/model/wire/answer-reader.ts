import type { FinishReason, Json } from '../../../memory/message.ts'
import { ModelError, type ModelEvent } from '../chat-model.ts'
import { broken, toEventError } from '../openai-error.ts'
import { type DeltaFields, readDelta } from './delta-fields.ts'
import { namesOf } from './dialects/dialect.ts'
import { SILENT } from './dialects/silent-dialects.ts'
import { type Fields, fieldsOf, storableOf } from './fields.ts'
import { finishMeaningOf, finishWordOf } from './finish-words.ts'
import { checkCount, createOwnChoice } from './own-choice.ts'
import { plainTextOf } from './plain-text.ts'
import { ERROR_PLACES, errorIn, errorInChoice, readProviderError } from './provider-error.ts'
import { createReadEvents } from './read-events.ts'
import { createSaidText } from './said-text.ts'
import { createThoughtTags } from './thought-tags.ts'
import { createToolCallAssembly } from './tool-call-assembly.ts'
import { createUnknownShapes, SILENT_EVENT, UNKNOWN_CONTENT } from './unknown-shapes.ts'
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
  /** What was read since the last call, in its order. */
  takeEvents(): ModelEvent[]
  /** `[DONE]` has come: nothing that follows counts. */
  readonly isDone: boolean
}

/** So many characters an answer may hold in what is not text, as the record of a reply must hold it all. */
const MAX_HELD_CHARACTERS = 4 * 1024 * 1024
const MAX_UNKNOWN_CHARACTERS = 64 * 1024
const MAX_UNKNOWN_PARTS = 100
const MAX_VALUES = 10_000
/** Where an event says something else than text. */
const OTHER_PLACES = [...ERROR_PLACES, ...USAGE_ROOTS]
const CHOICE_FIELDS = ['delta', 'message', 'text', 'finish_reason', 'native_finish_reason']
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
  const whole = createSaidText()
  const state = new Map<string, Json>()
  let reasoningField: string | undefined
  let reason: FinishReason | undefined
  let unknownWord = ''
  let hasContent = false
  let heldCharacters = 0
  let unknownCharacters = 0
  let unknownParts = 0
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
      whole.add('text', plain)
      tags.push(plain)
      return
    }
    const choices = ownChoice.piecesIn(event)
    for (const choice of choices) readText(choice)
    const error = errorIn(event, name) ?? choices.map(errorInChoice).find((found) => found !== undefined)
    if (error !== undefined) throw toEventError(readProviderError(error), apiKey)
    // What stands beside the choices is mostly there in every event: that of the end counts.
    const isEnd = choices.some(({ finish_reason: given }) => finishWordOf(given) !== '')
    if (isEnd || (choices.length === 0 && !('choices' in event))) shapes.noteOthers('event', event, KNOWN_EVENT_FIELDS)
    for (const choice of choices) readFinish(choice)
    const hasUsage = [event, ...choices].map((place) => usage.add(place)).some(Boolean)
    const found = hasUsage ? usage.usage() : undefined
    if (found) events.push({ type: 'usage', usage: found })
  }

  function readText(choice: Fields): void {
    const { delta, message, text } = choice
    const isDeltaSaid = delta !== undefined && delta !== null && readSaid('delta', delta)
    // A message at the end of a stream says all of it again, and so does a text beside a delta.
    const isMessageSaid = message !== undefined && message !== null && readSaid('message', message)
    if (typeof text === 'string' && !isDeltaSaid && !isMessageSaid) readSaid('text', text)
    shapes.noteOthers('choice', choice, KNOWN_CHOICE_FIELDS)
  }

  /** Whether it had a text. */
  function readSaid(place: 'delta' | 'message' | 'text', given: unknown): boolean {
    const fields = typeof given === 'string' ? { content: given } : fieldsOf(given)
    if (fields === undefined) {
      shapes.note('choice', place, given)
      return false
    }
    const { texts, calls: pieces, state: kept, unknown, reasoningField: field } = readDelta(fields, shapes)
    reasoningField ??= field
    const isWhole = place === 'message'
    for (const { type, text: piece } of isWhole ? whole.behind(texts) : texts) {
      whole.add(type, piece)
      if (type === 'text') tags.push(piece)
      else addText(type, piece)
    }
    if (pieces.length > 0 && !(isWhole && calls.hasBegun())) addCalls(pieces)
    addState(kept)
    for (const item of unknown) addUnknown(item)
    return texts.length > 0
  }

  function addCalls(pieces: DeltaFields['calls']): void {
    for (const { name = '', id = '', arguments: text = '', state: kept } of pieces) {
      count(name.length + id.length + text.length + (kept ? JSON.stringify(kept).length : 0))
    }
    calls.add(pieces)
    if (reason !== undefined) finish(reason)
  }

  /** Lists come in pieces; everything else counts as it came last. */
  function addState(kept: { [field: string]: Json }): void {
    for (const [field, value] of Object.entries(kept)) {
      count(JSON.stringify(value).length)
      const before = state.get(field)
      if (Array.isArray(before) && Array.isArray(value)) for (const item of value) before.push(item)
      else state.set(field, value)
    }
  }

  function addUnknown(item: unknown): void {
    const data = storableOf(item)
    unknownParts += 1
    unknownCharacters += data === undefined ? 0 : JSON.stringify(data).length
    if (data === undefined || unknownParts > MAX_UNKNOWN_PARTS || unknownCharacters > MAX_UNKNOWN_CHARACTERS) {
      throw broken('The model sent content of an unknown kind.')
    }
    hasContent = true
    events.push({ type: 'part', part: { type: 'data', name: UNKNOWN_CONTENT, data } })
  }

  function readFinish(choice: Fields): void {
    const { finish_reason: given, native_finish_reason: native } = choice
    const meaning = finishMeaningOf(given)
    if (meaning === 'FAILURE' || (finishWordOf(given) !== '' && finishMeaningOf(native) === 'FAILURE')) {
      if (reason === undefined) throw failure()
    } else if (meaning !== undefined) finish(meaning)
    // A word that nobody knows ends an answer that said something, and only that.
    else if (finishWordOf(given) !== '' && (hasContent || calls.hasBegun())) finish('STOP')
    else unknownWord ||= finishWordOf(given)
  }

  function finish(given: FinishReason, isLast = false): void {
    tags.flush()
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
    tags.flush()
    if (!hasContent && !calls.hasBegun()) throw notAnAnswer()
  }

  function close(given: FinishReason): void {
    finish(given, true)
    // Thoughts go back only with the calls that came of them.
    const reasoning = reasoningField && calls.hasGiven() ? { reasoning: reasoningField } : {}
    const message = state.size > 0 ? { message: Object.fromEntries(state) } : {}
    if ('message' in message || 'reasoning' in reasoning) {
      events.push({ type: 'state', state: { provider, ...reasoning, ...message } })
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
