import type { QueryCost } from './query-cost.ts'

/** Turns of the event loop, shared by all that would hold it for long. */
export interface Turns {
  /** Undefined while there is time left in this turn; else resolves in a later one. */
  next(): Promise<void> | undefined
}

/** What an operation may cost and answer, with the error for more, and the turns that a large one takes. */
export interface ExecutionBounds {
  /** Of the estimate before it is executed: see `costOf`. */
  maxCost: number
  /** Of what is executed: each field with its weight, each error as many. */
  maxExecutedCost: number
  /** Characters of an answer. In UTF-8 it has as many bytes or more. */
  maxLength: number
  turns: Turns
  /** After how much it asks for another turn; a field takes up to a microsecond. */
  costOfTurn: number
  /** The error for an operation that is over a limit. */
  refuse(limit: string, given: string): Error
  /**
   * Room for an operation beside others: what gives it back, at once or when it is its turn. Undefined where it takes
   * none. Throws the error for one that cannot wait.
   */
  enter(cost: QueryCost, contextValue: unknown): Leave | Promise<Leave> | undefined
  /**
   * Writes the data of a result that takes long to be written, while its operation has its room. What it rejects with
   * becomes the result; `client` aborts when nobody wants it any more.
   */
  onLarge(data: object, client?: AbortSignal): Promise<void>
}

/** Gives back the room of an operation. */
export type Leave = () => void

/** What an execution has taken so far. */
export interface ExecutionUse {
  bounds: ExecutionBounds | undefined
  cost: number
  length: number
  /** The cost from which on it waits for another turn. */
  turnEnd: number
  /** Why it ends before its end. */
  stopped?: Error
  /** Aborts when it ends before its end, for what resolvers have begun. */
  stopping?: AbortController
  /** Lengths of what was measured before. */
  measured?: Map<object, number>
}

/** What is written at once takes about a millisecond. */
const LARGE_COST = 2_000
const LARGE_LENGTH = 100_000
/** Of an error, which takes microseconds to be made, masked and written. */
const COST_OF_ERROR = 20
/** Steps of measuring that cost as much as a field. */
const STEPS_OF_COST = 16

/** The use of an execution that begins. */
export function createUse(bounds: ExecutionBounds | undefined): ExecutionUse {
  return { bounds, cost: 0, length: 0, turnEnd: bounds?.costOfTurn ?? Number.POSITIVE_INFINITY }
}

/** Counts an object with so many fields; throws when that is too much. */
export function chargeObject(use: ExecutionUse, weight: number, length: number): void {
  use.cost += weight
  use.length += length
  check(use)
}

/** Counts the item of a list of scalars; throws when that is too much. */
export function chargeItem(use: ExecutionUse): void {
  use.cost += 1
  check(use)
}

/** Counts an error of a field; throws when that is too much. */
export function chargeError(use: ExecutionUse, { length }: string): void {
  use.cost += COST_OF_ERROR
  use.length += length
  check(use)
}

/** Counts the value of a scalar; throws when that is too much. */
export function chargeLeaf(use: ExecutionUse, value: unknown): void {
  if (typeof value === 'string') use.length += value.length
  else if (typeof value === 'object' && value !== null) use.length += lengthOf(use, value)
  else return
  check(use)
}

/** Whether its result would take long to be written at once. */
export function isLarge({ cost, length }: ExecutionUse): boolean {
  return cost > LARGE_COST || length > LARGE_LENGTH
}

/** Whether others should come first. */
export function isTurnOver(use: ExecutionUse): boolean {
  return use.cost >= use.turnEnd
}

/** Resolves in another turn, which ends where the next cost of one is used up. */
export async function takeTurn(use: ExecutionUse): Promise<void> {
  await use.bounds?.turns.next()
  use.turnEnd = use.cost + (use.bounds?.costOfTurn ?? Number.POSITIVE_INFINITY)
}

function check(use: ExecutionUse): void {
  const { bounds, cost, length } = use
  if (bounds === undefined || (cost <= bounds.maxExecutedCost && length <= bounds.maxLength)) return
  const limit =
    cost > bounds.maxExecutedCost ? `a cost of ${bounds.maxExecutedCost}` : `an answer of ${bounds.maxLength} bytes`
  use.stopped ??= bounds.refuse(limit, 'more')
  use.stopping?.abort(use.stopped)
  throw use.stopped
}

/** Aborts with the signal, and when the execution is over its bounds. */
export function signalOf(use: ExecutionUse, signal: AbortSignal | undefined): AbortSignal | undefined {
  if (use.bounds === undefined) return signal
  use.stopping ??= createStopping(use, signal)
  return use.stopping.signal
}

/** By hand: the signal of a request of Yoga's is none of Node's, the only ones that `AbortSignal.any` takes. */
function createStopping({ stopped }: ExecutionUse, signal: AbortSignal | undefined): AbortController {
  const stopping = new AbortController()
  if (stopped !== undefined || signal?.aborted) stopping.abort(stopped ?? signal?.reason)
  else signal?.addEventListener('abort', () => stopping.abort(signal.reason), { once: true })
  return stopping
}

/** The least that a JSON value takes as text; walked once for each object, as aliases repeat it. */
function lengthOf(use: ExecutionUse, value: object): number {
  const known = use.measured?.get(value)
  if (known !== undefined) return known
  const max = use.bounds?.maxLength ?? 0
  const left: unknown[] = [value]
  let length = 0
  let steps = 0
  while (left.length > 0 && length <= max) {
    const next = left.pop()
    steps += 1
    length += typeof next === 'string' ? next.length + 2 : 1
    if (Array.isArray(next)) for (const item of next) left.push(item)
    else if (typeof next === 'object' && next !== null) {
      for (const [key, item] of Object.entries(next)) {
        length += key.length
        left.push(item)
      }
    }
  }
  use.cost += Math.floor(steps / STEPS_OF_COST)
  use.measured ??= new Map()
  use.measured.set(value, length)
  return length
}
