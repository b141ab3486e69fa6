import type { Head, Position, Role } from '../message.ts'

/** What a window may begin with. */
export type ContextStart = 'ANY' | 'USER'
/** The last thing that moved a window's beginning (design section 6). */
export type ContextCut = 'NONE' | 'BUDGET' | 'ANCHOR' | 'TURN' | 'OVERSIZE'

/** What a window is to be like. */
export interface WindowRequest {
  /** The hard budget: the window's tokens never exceed it. */
  maxTokens: number
  startOn: ContextStart
  /** 0 (off) to 0.5: the window's beginning moves only in steps of this share of the budget. */
  anchor: number
}

type Entry = Pick<Position, 'sequence' | 'tokens' | 'tokenStart'> & { role: Role }

/** The entries that are kept, and what was left out. */
export interface Window<R extends Entry> {
  entries: R[]
  tokenCount: number
  omittedCount: number
  omittedTokens: number
  cut: ContextCut
}

/** What a quotient of positions may be off by: a step that divides the bound must not be taken once more. */
const ROUNDING = 1e-9

/** The lowest `tokenStart` that can be in a window: what a reader must hold, and no more. */
export function lowestTokenStart(head: Head, maxTokens: number): number {
  return Math.max(0, head.tokens - maxTokens)
}

/**
 * The window of a path: a pure function of positions. `entries` are the path's newest messages, oldest
 * first, without a gap up to `head`, and at least all from `lowestTokenStart` on. With prefix sums
 * "the newest that fit the budget" is one comparison; the anchored cut (design section 6) raises that
 * bound to a multiple of a step, so that a prompt's prefix stays put, and the newest turn whole, from its question on, where
 * it fits; then leading messages are dropped
 * that cannot begin it: tool results, whose calls were cut off, and what `startOn` does not want.
 */
export function cutWindow<R extends Entry>(entries: readonly R[], head: Head, request: WindowRequest): Window<R> {
  const newest = entries.at(-1)
  const bound = lowestTokenStart(head, request.maxTokens)
  if (head.sequence > 0 && (newest === undefined || newest.tokenStart < bound)) {
    return { entries: [], tokenCount: 0, omittedCount: head.sequence, omittedTokens: head.tokens, cut: 'OVERSIZE' }
  }
  const fitting = entries.filter((entry) => entry.tokenStart >= bound)
  const begins = request.startOn === 'USER' ? isQuestion : canBegin
  const lastBegin = fitting.findLastIndex(begins)
  // The anchor cuts no further than this: the newest turn is kept with its question whenever it fits.
  const lastQuestion = fitting.findLastIndex(isQuestion)
  const lastTurn = lastQuestion < 0 ? lastBegin : lastQuestion
  const raisedBound = anchoredBound(bound, request)
  const anchored = fitting.filter((entry, index) => index >= lastTurn || entry.tokenStart >= raisedBound)
  const kept = lastBegin < 0 ? [] : anchored.slice(anchored.findIndex(begins))
  const first = kept[0]
  const omittedTokens = first?.tokenStart ?? head.tokens
  return {
    entries: kept,
    tokenCount: head.tokens - omittedTokens,
    omittedCount: first === undefined ? head.sequence : first.sequence - 1,
    omittedTokens,
    cut: cutReason(omittedTokens, fitting.length, anchored.length, kept.length),
  }
}

/** A turn begins with its question, and so does a window that is to. */
function isQuestion({ role }: Entry): boolean {
  return role === 'USER'
}

/** Whether a window makes sense that begins so: results of tools do not without their calls. */
export function canBegin({ role }: Pick<Entry, 'role'>): boolean {
  return role !== 'TOOL'
}

/** The bound moved up to the next step; never below it, whatever the rounding of fractional steps. */
function anchoredBound(bound: number, { maxTokens, anchor }: WindowRequest): number {
  const step = anchor * maxTokens
  // Steps below one token would cut nothing more, and a quotient by a tiny number is no position.
  return step >= 1 ? Math.max(bound, Math.ceil(bound / step - ROUNDING) * step) : bound
}

function cutReason(omittedTokens: number, fitting: number, anchored: number, kept: number): ContextCut {
  if (omittedTokens === 0) return 'NONE'
  if (kept < anchored) return 'TURN'
  return anchored < fitting ? 'ANCHOR' : 'BUDGET'
}
