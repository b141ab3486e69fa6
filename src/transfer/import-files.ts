import PQueue from 'p-queue'
import { addNotes, type Import, type ImportLimits, type ImportReport, importRecord, refuse } from './import-record.ts'
import { createNotes, type Note } from './notes.ts'
import { readRecords } from './read/read-records.ts'
import { FileFormatError } from './read/read-text.ts'
import type { SourceFile } from './read/source-files.ts'
import { createRetries, type RetryDeps } from './store/retries.ts'
import type { ImporterDeps } from './store/stored-messages.ts'

/** Conversations under way: enough to count one while another is inserted. */
const CONCURRENCY = 8
/** A larger one is alone: parsed values take many times their text. */
const LARGE_LENGTH = 8 * 1024 * 1024
const EMPTY_REPORT = { conversations: 0, messages: 0, stored: 0, present: 0, tokens: 0, refused: 0, hasLosses: false }

/** What is read of a file, and whether what goes on behind a message that is nowhere yet waits for other files. */
interface Reading {
  file: SourceFile
  onBytes: (bytes: number) => void
  mayWait: boolean
  /** Where in the file; absent: everywhere. */
  only?: ReadonlySet<string>
}

/** Places in a file whose conversations wait. */
interface Waiting {
  file: SourceFile
  places: Set<string>
}

/**
 * Imports files: of each conversation what can be read is stored in batches, in order, under ids that the files
 * determine, and what cannot is counted. So a second run stores nothing, and one after an interrupted run only what is
 * missing; and files may come in any order. Rejects when a file or the history cannot be read on; what was stored until
 * then stays. A history that cannot be reached is tried again for a while.
 */
export async function importFiles(
  deps: ImporterDeps & RetryDeps,
  files: readonly SourceFile[],
  limits: ImportLimits,
  onProgress: (bytes: number, report: Readonly<ImportReport>) => void,
): Promise<ImportReport> {
  const report: ImportReport = { ...EMPTY_REPORT, errors: [], notes: [] }
  let bytes = 0
  const retries = createRetries(deps)
  const running = { deps, limits, report, underWay: new Map(), metIn: new Map(), made: new Map(), retries }
  const import_ = { ...running, onProgress: () => onProgress(bytes, report) }
  const waiting: Waiting[] = []
  for (const file of files) {
    const before = bytes
    const onBytes = (read: number) => {
      bytes = before + read
    }
    waiting.push({ file, places: await importFile(import_, { file, onBytes, mayWait: files.length > 1 }) })
    bytes = before + file.size
  }
  await importWaiting(import_, waiting)
  return report
}

/** From the last file on, as long as more of it finds what it stands behind; then all of it. */
async function importWaiting(import_: Import, waiting: readonly Waiting[]): Promise<void> {
  const countOf = (all: readonly Waiting[]) => all.reduce((sum, { places }) => sum + places.size, 0)
  let left = waiting
  for (let mayWait = true; countOf(left) > 0; ) {
    const still: Waiting[] = []
    for (const { file, places } of left.toReversed()) {
      if (places.size === 0) continue
      still.unshift({ file, places: await importFile(import_, { file, onBytes() {}, mayWait, only: places }) })
    }
    mayWait = countOf(still) < countOf(left)
    left = still
  }
}

/** Returns the places of what waits. */
async function importFile(import_: Import, { file, onBytes, mayWait, only }: Reading): Promise<Set<string>> {
  const { report } = import_
  const queue = new PQueue({ concurrency: CONCURRENCY })
  const faults: unknown[] = []
  const notes: Note[] = []
  const waiting = new Set<string>()
  try {
    for await (const record of readRecords(file, onBytes, createNotes(notes))) {
      if (only?.has(record.place) === false) continue
      const isLarge = record.length > LARGE_LENGTH
      if (isLarge) await queue.onIdle()
      if (faults.length > 0) break
      const importing = () => importRecord(import_, file, record, mayWait)
      void queue.add(() =>
        importing()
          .then((isDone) => isDone || waiting.add(record.place))
          .catch((error: unknown) => faults.push(error)),
      )
      await (isLarge ? queue.onIdle() : queue.onSizeLessThan(1))
    }
  } catch (error) {
    // What ends the file is told once.
    if (!(error instanceof FileFormatError)) faults.push(error)
    else if (only === undefined) refuse(report, `${file.name}: ${error.message}`)
  }
  await queue.onIdle()
  if (only === undefined) addNotes(report, notes, file.name)
  if (faults.length > 0) throw faults[0]
  return waiting
}
