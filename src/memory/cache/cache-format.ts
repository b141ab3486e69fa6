import { isBranchId } from '../ids.ts'
import { type Fork, MAX_EPOCH, MAX_MARKS, MAX_POSITION, type Register, type Tail } from './cache.ts'

/*
 * What the two keys of a conversation hold. Register: JSON. Tail: a header line of JSON, then the rows
 * as they are (see tail.ts), so that a reader parses the header alone and Redis' script no row at all.
 * The scripts of redis-scripts.ts read and write the same fields and check them in the same way.
 */

/** Raised when the meaning of a field changes; another version reads as absent. */
export const FORMAT_VERSION = 4

/** A register's value that is longer is junk: MAX_MARKS branches take less. */
export const MAX_REGISTER_BYTES = 32 * MAX_MARKS

/** The value of a register's key. */
export function encodeRegisterValue({ generation, epoch, marks, raisedAt }: Register): string {
  return JSON.stringify({ v: FORMAT_VERSION, g: generation, e: epoch, h: marks, a: raisedAt })
}

/** The value of a tail's key. */
export function encodeTailValue(tail: Tail): string {
  const header = {
    v: FORMAT_VERSION,
    g: tail.generation,
    i: tail.life,
    e: tail.epoch,
    b: tail.branch,
    ...(tail.forks.length > 0 && { p: tail.forks.map(({ branch, belowSequence }) => [branch, belowSequence]) }),
    f: tail.first,
    l: tail.last,
    s: tail.tokenStart,
    t: tail.tokens,
    k: tail.knownFrom,
    o: tail.ownerId,
    n: tail.encoding,
    x: tail.expiresAt,
  }
  return `${JSON.stringify(header)}\n${tail.rows}`
}

/** The register that a value holds; undefined for an absent one and for junk. */
export function decodeRegisterValue(value: string | null | undefined): Register | undefined {
  const fields = value && value.length <= MAX_REGISTER_BYTES ? parseFields(value) : undefined
  if (fields === undefined) return undefined
  const { g, e, h, a } = fields
  if (typeof g !== 'string' || !isEpoch(e) || !isWhole(a) || !isMarks(h)) return undefined
  return { generation: g, epoch: e, marks: h, raisedAt: a }
}

/** The tail that a value holds, its rows unparsed; undefined for an absent one and for junk. */
export function decodeTailValue(value: string | null | undefined): Tail | undefined {
  const headerEnd = value ? value.indexOf('\n') : -1
  if (!value || headerEnd < 0) return undefined
  const fields = parseFields(value.slice(0, headerEnd))
  if (fields === undefined) return undefined
  const { g, i, e, b, p, f, l, s, t, k, o, n, x } = fields
  if (typeof g !== 'string' || typeof i !== 'string' || typeof o !== 'string' || typeof n !== 'string') return undefined
  if (!isBranch(b) || !isEpoch(e) || !isPosition(f) || !isPosition(l)) return undefined
  if (!isPosition(s) || !isPosition(t) || !isPosition(k) || s + t > MAX_POSITION) return undefined
  if (x !== undefined && !isWhole(x)) return undefined
  const forks = p === undefined ? [] : decodeForks(p)
  if (forks === undefined) return undefined
  // The first message starts at 0, and no other does.
  if (k > s || (f === 1 ? s !== 0 : k === 0)) return undefined
  const rows = value.slice(headerEnd + 1)
  if (f < 1 || l < f - 1 || !spanMatches(rows, l - f + 1)) return undefined
  const place = { generation: g, life: i, epoch: e, branch: b, forks, first: f, last: l, tokenStart: s, tokens: t }
  return { ...place, knownFrom: k, ownerId: o, encoding: n, ...(x !== undefined && { expiresAt: x }), rows }
}

function parseFields(json: string): Record<string, unknown> | undefined {
  try {
    const fields: unknown = JSON.parse(json)
    return isRecord(fields) && fields.v === FORMAT_VERSION ? fields : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isPosition(value: unknown): value is number {
  return isWhole(value) && value <= MAX_POSITION
}

function isEpoch(value: unknown): value is number {
  return isWhole(value) && value <= MAX_EPOCH
}

/** A branch's id becomes part of ids that clients get. */
function isBranch(value: unknown): value is string {
  return typeof value === 'string' && isBranchId(value)
}

function isMarks(value: unknown): value is Record<string, number> {
  return (
    isRecord(value) && Object.entries(value).every(([branch, sequence]) => isBranch(branch) && isPosition(sequence))
  )
}

/** Never empty: a tail without forks has no such field, and Redis' script cannot tell `[]` from `{}`. */
function decodeForks(places: unknown): Fork[] | undefined {
  if (!Array.isArray(places) || places.length === 0) return undefined
  const forks: Fork[] = []
  for (const place of places as unknown[]) {
    if (!Array.isArray(place) || place.length !== 2) return undefined
    const [branch, belowSequence]: unknown[] = place
    if (!isBranch(branch) || !isPosition(belowSequence)) return undefined
    const above = forks.at(-1)
    if (above !== undefined && belowSequence >= above.belowSequence) return undefined
    forks.push({ branch, belowSequence })
  }
  return forks
}

/** A cheap look at both ends: most values that were cut off are junk at once. Whoever parses the rows checks the rest. */
function spanMatches(rows: string, count: number): boolean {
  return count === 0 ? rows === '' : /^\d/.test(rows) && (rows.endsWith('0') || rows.endsWith('}'))
}
