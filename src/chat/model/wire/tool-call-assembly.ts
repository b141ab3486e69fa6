import type { FinishReason, Json, ToolCallPart } from '../../../memory/message.ts'
import { ModelError } from '../chat-model.ts'
import { createJsonScanner, type JsonScanner, splitJsonTexts } from './json-scanner.ts'

/** One piece of a tool call in a chat completions stream. */
export interface ToolCallPiece {
  index?: number | undefined
  id?: string | undefined
  name?: string | undefined
  arguments?: string | undefined
  /** What the provider wants back with the call. */
  state?: { [field: string]: Json } | undefined
}

/** A call as far as it is known. */
export interface KnownCall {
  id: string
  name: string
  /** Of its arguments, and their length together. */
  pieces: readonly string[]
  length: number
  /** Whether they end in a whole object. */
  isWhole: boolean
}

/** What a known call has besides. */
export interface CallRest {
  place: number
  text: string
  state: { [field: string]: Json } | undefined
}

/** The tool calls of one answer while they come. */
export interface ToolCallAssembly {
  /** The pieces of one event. */
  add(pieces: readonly ToolCallPiece[]): void
  /** What is known of the calls, in the order of their beginnings. */
  readonly known: readonly KnownCall[]
  /** What comes to calls by their places in `known`. */
  addRests(rests: readonly CallRest[]): void
  /** Whether a call has begun. */
  hasBegun(): boolean
  /** Whether one was given. */
  hasGiven(): boolean
  /** Whether the arguments of all calls are whole JSON. */
  areWhole(): boolean
  /**
   * The calls that were not given yet, in the order of their beginnings; without those that have no name, or that the
   * model was cut off in. Broken arguments may still become whole, so that they are given only when it `isLast`.
   */
  finish(reason: FinishReason, isLast: boolean): ToolCallPart[]
}

interface OpenCall extends KnownCall {
  place: number
  index: number | undefined
  pieces: string[]
  scanner: JsonScanner
  /** Whether the arguments have begun. */
  isBegun: boolean
  state: { [field: string]: Json } | undefined
  isGiven: boolean
  /** How often it was looked at before all was there, and how many pieces there were the last time. */
  looks: number
  seenPieces: number
}

/** What a message may hold that is appended or imported: longer ids and names could not be named in a result. */
const MAX_ID = 256
const MAX_NAME = 128
/** Far more than a model means; each is a part of the reply's message. */
const MAX_CALLS = 1_000
/** A server may name a finish reason in every event: arguments of megabytes are not parsed for each of them. */
const MAX_LOOKS = 4
/** Megabytes of brackets take JSON.parse half a second. */
const MAX_ARGUMENT_DEPTH = 1_000

/**
 * Joins pieces by their index. Servers that leave the index out, or give several calls the same one, are
 * understood by ids, names, places and whole arguments: see `beginsAnother`. Each piece costs what it is long. Throws
 * ModelError for more than 1,000 calls.
 */
export function createToolCallAssembly(): ToolCallAssembly {
  const calls: OpenCall[] = []
  const byIndex = new Map<number, OpenCall>()
  const byId = new Map<string, OpenCall>()
  /** Where the calls begin that the last event with a beginning began. */
  let newestGroup = 0
  const givenIds = new Set<string>()
  let hasBegun = false

  function begin(index: number | undefined): OpenCall {
    if (calls.length === MAX_CALLS) {
      throw tooMuch(`has more than ${MAX_CALLS} tool calls`)
    }
    const call: OpenCall = {
      place: calls.length,
      index,
      id: '',
      name: '',
      pieces: [],
      length: 0,
      scanner: createJsonScanner(),
      isBegun: false,
      isWhole: false,
      state: undefined,
      isGiven: false,
      looks: 0,
      seenPieces: -1,
    }
    calls.push(call)
    return call
  }

  function callOf(piece: ToolCallPiece, place: number, count: number, before: number): OpenCall {
    const { index, id, name } = piece
    const known = id ? byId.get(id) : undefined
    // Two whole ones in one event are two calls, also where all have one id.
    if (known && known.place >= before && known.isWhole && isWholeCall(piece)) return begin(index)
    if (known && (index === undefined || known.index === undefined || known.index === index)) return known
    // Only a first piece must say which call it is.
    const isNamed = Boolean(id || name)
    const atIndex = index === undefined ? undefined : byIndex.get(index)
    const atPlace = count > 1 && index === undefined ? calls[newestGroup + place] : calls.at(-1)
    const call = atIndex ?? (index === undefined || !isNamed ? atPlace : undefined)
    if (call && !(index === undefined && count > 1 && id) && !beginsAnother(piece, call)) return call
    return begin(index)
  }

  function addPiece(piece: ToolCallPiece, place: number, count: number, before: number): void {
    const { index, id, name, arguments: text, state } = piece
    if (!id && !name && !text && !state) return
    const call = callOf(piece, place, count, before)
    hasBegun ||= Boolean(name)
    if (index !== undefined) byIndex.set(index, call)
    if (id && call.id === '') call.id = id
    if (id && call.id === id) byId.set(id, call)
    if (name) call.name = joinName(call.name, name)
    if (text) addArguments(call, text)
    if (state) call.state = { ...call.state, ...state }
  }

  function add(pieces: readonly ToolCallPiece[]): void {
    const before = calls.length
    for (const [place, piece] of pieces.entries()) addPiece(piece, place, pieces.length, before)
    if (calls.length > before) newestGroup = before
  }

  function addRests(rests: readonly CallRest[]): void {
    for (const { place, text, state } of rests) {
      const call = calls[place]
      if (call && text !== '') addArguments(call, text)
      if (call && state) call.state = { ...call.state, ...state }
    }
  }

  function finish(reason: FinishReason, isLast: boolean): ToolCallPart[] {
    const ownIds = new Set(calls.map(({ id }) => id))
    return calls.flatMap((call) => {
      if (call.isGiven || call.name === '' || !(isLast || isWorthALook(call))) return []
      const text = argumentsOf(call)
      const isCut = reason !== 'STOP' && reason !== 'TOOL_CALLS'
      if (!isJson(text) && (isCut || !isLast)) return []
      call.isGiven = true
      return [toPart(call, text, givenIds, ownIds)]
    })
  }

  return {
    add,
    known: calls,
    addRests,
    hasBegun: () => hasBegun,
    hasGiven: () => givenIds.size > 0,
    areWhole: () => calls.every((call) => call.name === '' || isJson(argumentsOf(call))),
    finish,
  }
}

/**
 * Whether a piece at the place of a call is the first of another one. Only a first one must have a name; but
 * some servers repeat the name, or make a new id, in every piece of a call. An object that has ended and an
 * object that begins are never one.
 */
function beginsAnother({ index, id, name, arguments: text = '' }: ToolCallPiece, call: OpenCall): boolean {
  if (!name || (id && id === call.id)) return false
  const hasOtherId = Boolean(id && call.id)
  if (!call.isBegun) return hasOtherId
  if (name !== call.name) return true
  const isEmpty = text.trim() === ''
  const isBeginning = isEmpty || text.trimStart().startsWith('{')
  // Without numbers calls that interleave have nothing but their ids.
  return hasOtherId && index === undefined ? isBeginning : call.isWhole && isBeginning && (hasOtherId || !isEmpty)
}

function isWholeCall({ name, arguments: text = '' }: ToolCallPiece): boolean {
  return Boolean(name) && text.trimStart().startsWith('{')
}

/** Whether there are more pieces than at the last look, of which there were few. */
function isWorthALook(call: OpenCall): boolean {
  if (call.seenPieces === call.pieces.length || call.looks === MAX_LOOKS) return false
  call.seenPieces = call.pieces.length
  call.looks += 1
  return true
}

function tooMuch(what: string): ModelError {
  return new ModelError('MODEL_STREAM_BROKEN', `The answer ${what}.`, { retryable: false })
}

function addArguments(call: OpenCall, text: string): void {
  call.pieces.push(text)
  call.length += text.length
  if (text.trim() === '') return
  call.isBegun = true
  let end = call.scanner.readToEnd(text, 0)
  for (let next = end; next >= 0; next = call.scanner.readToEnd(text, next)) end = next
  if (call.scanner.deepest > MAX_ARGUMENT_DEPTH)
    throw tooMuch(`nests the arguments of a tool call more than ${MAX_ARGUMENT_DEPTH} levels deep`)
  call.isWhole = end >= 0 && !call.scanner.isOpen
}

/** Some servers repeat the name in every piece, others cut it. */
function joinName(name: string, piece: string): string {
  if (piece === name) return name
  return piece.startsWith(name) ? piece : name + piece
}

/**
 * The pieces joined. Where that is no JSON a server may have sent all of it again: then the last piece is whole, or
 * the last object, as behind an empty one that only held the place.
 */
function argumentsOf({ pieces }: OpenCall): string {
  const joined = pieces.join('')
  if (joined.trim() === '') return '{}'
  if (isJson(joined)) return joined
  const lastPiece = pieces.findLast((piece) => piece.trim() !== '') ?? ''
  const candidates = [lastPiece, splitJsonTexts(joined).at(-1) ?? '']
  return candidates.find((text) => /^\s*\{/.test(text) && isJson(text)) ?? joined
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** A call without an id of its own can still be answered by its place. */
function toPart(
  { id, place, name, state }: OpenCall,
  text: string,
  givenIds: Set<string>,
  ownIds: ReadonlySet<string>,
): ToolCallPart {
  const isUsable = id !== '' && id.length <= MAX_ID && !id.includes('\0') && id.isWellFormed()
  let toolCallId = isUsable && !givenIds.has(id) ? id : `call_${place}`
  // The name of a place may be another call's own id.
  while (toolCallId !== id && (givenIds.has(toolCallId) || ownIds.has(toolCallId))) toolCallId += '_'
  givenIds.add(toolCallId)
  const toolName = name.replaceAll('\0', '').slice(0, MAX_NAME).toWellFormed()
  const part = { type: 'toolCall', toolCallId, toolName, arguments: text.toWellFormed() } as const
  return state === undefined ? part : { ...part, providerMetadata: state }
}
