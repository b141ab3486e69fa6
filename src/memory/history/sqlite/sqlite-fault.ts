import { HistoryUnavailableError } from '../../../errors.ts'

/** Primary result codes that say that we were wrong: ERROR, CONSTRAINT, MISMATCH, MISUSE, RANGE. */
const MISTAKE_CODES = [1, 19, 20, 21, 25]

/** SQLite's primary result codes, and the file system's names, that nobody's waiting puts right. */
const LASTING: [detail: string, codes: readonly (number | string)[]][] = [
  ["The history's disk is full: nothing can be stored until there is space.", [13, 'ENOSPC', 'EDQUOT']],
  ['The history cannot be written: its file or its directory is read-only.', [8, 'EROFS']],
  [
    "The history's file cannot be opened: its directory must be there, and be writable for the user of this process.",
    [14, 'EACCES', 'EPERM', 'ENOTDIR', 'ENOENT', 'EEXIST'],
  ],
  ["The history's file is damaged, or no database.", [11, 26]],
  ["The history's disk fails: its file cannot be read or written.", [10, 'EIO']],
]

/** BUSY and LOCKED: another connection writes. */
const BUSY_CODES: readonly (number | string)[] = [5, 6]

/** What a fault of SQLite, or of the file system under it, means for who called; undefined for a mistake of ours. */
export function sqliteFault(error: unknown, path: string): HistoryUnavailableError | undefined {
  const code = codeOf(error)
  if (code === undefined) return undefined
  const reason = `SQLite ${path}: ${reasonOf(error)}`
  const [detail] = LASTING.find(([, codes]) => codes.includes(code)) ?? []
  if (detail !== undefined) return new HistoryUnavailableError(error, { detail, retryable: false, reason })
  const busy = BUSY_CODES.includes(code) && { detail: 'The history is busy; try again.' }
  return new HistoryUnavailableError(error, { ...busy, reason })
}

/** The primary result code of SQLite, or the file system's name of the error. */
function codeOf(error: unknown): number | string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('errcode' in error) {
    const code = Number(error.errcode) & 0xff
    return MISTAKE_CODES.includes(code) ? undefined : code
  }
  return 'syscall' in error && 'code' in error ? String(error.code) : undefined
}

/** SQLite's own words for the code; never the statement or a value. */
function reasonOf(error: unknown): string {
  if (error instanceof Error && 'errstr' in error)
    return `${String(error.errstr)} (${String('errcode' in error && error.errcode)})`
  return error instanceof Error && 'code' in error ? String(error.code) : 'closed'
}
