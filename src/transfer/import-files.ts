import PQueue from 'p-queue'
import { BadUserInputError, ClientMessageIdConflictError, ConversationIdTakenError, NotFoundError } from '../errors.ts'
import { checkNewConversation } from '../memory/input/limits.ts'
import type { FileConversation, MessageLimits } from './file-conversation.ts'
import { decodeConversation } from './formats.ts'
import { countNotes, createNotes, type Note, type NoteCount } from './notes.ts'
import { type FileRecord, readRecords } from './read-records.ts'
import { FileFormatError } from './read-text.ts'
import type { SourceFile } from './source-files.ts'
import { storeConversation } from './store-conversation.ts'
import type { ImporterDeps, StoredBatch } from './stored-messages.ts'

/** The owner of what is imported, and the size of the largest message in bytes of UTF-8. */
export interface ImportLimits extends MessageLimits {
  ownerId: string
}

/** What an import has done so far, and at its end all that it did. */
export interface ImportReport {
  /** Conversations that are in the history now. */
  conversations: number
  /** Messages of the files that are in the history now; of them, those stored by this run and those there already. */
  messages: number
  stored: number
  present: number
  /** Tokens of those messages, their framing included. */
  tokens: number
  /** Conversations that were refused; nothing new of them is stored. */
  refused: number
  /** One line for each refused conversation, with its place in the file; the first ones, if they are many. */
  errors: string[]
  /** Whether something of a conversation was left out that somebody may miss. */
  hasLosses: boolean
  /** What was left out, cut or changed of those that are there. */
  notes: NoteCount[]
}

/** Conversations under way: enough to count one while another is inserted. */
const CONCURRENCY = 8
/** A larger one is alone: parsed values take many times their text. */
const LARGE_LENGTH = 8 * 1024 * 1024
const MAX_ERRORS = 100
const EMPTY_REPORT = { conversations: 0, messages: 0, stored: 0, present: 0, tokens: 0, refused: 0, hasLosses: false }

/** One import on its way. */
interface Import {
  deps: ImporterDeps
  limits: ImportLimits
  report: ImportReport
  /** The last import of each conversation: of those that are there twice the second comes behind the first. */
  underWay: Map<string, Promise<void>>
  /** By conversation the file in which it was met. */
  metIn: Map<string, SourceFile>
  onProgress(): void
}

/**
 * Imports files: of each conversation what can be read is stored in batches, in order, under ids that the files
 * determine, and what cannot is counted. So a second run stores nothing, and one after an interrupted run only what is
 * missing. Rejects when a file or the history cannot be read on; what was stored until then stays.
 */
export async function importFiles(
  deps: ImporterDeps,
  files: AsyncIterable<SourceFile> | Iterable<SourceFile>,
  limits: ImportLimits,
  onProgress: (bytes: number, report: Readonly<ImportReport>) => void,
): Promise<ImportReport> {
  const report: ImportReport = { ...EMPTY_REPORT, errors: [], notes: [] }
  let bytes = 0
  const running = { deps, limits, report, underWay: new Map(), metIn: new Map() }
  const import_ = { ...running, onProgress: () => onProgress(bytes, report) }
  for await (const file of files) {
    const before = bytes
    await importFile(import_, file, (read) => {
      bytes = before + read
    })
    bytes = before + file.size
  }
  return report
}

async function importFile(import_: Import, file: SourceFile, onBytes: (bytes: number) => void): Promise<void> {
  const { report } = import_
  const queue = new PQueue({ concurrency: CONCURRENCY })
  const faults: unknown[] = []
  const notes: Note[] = []
  try {
    for await (const record of readRecords(file, onBytes, createNotes(notes))) {
      const isLarge = record.length > LARGE_LENGTH
      if (isLarge) await queue.onIdle()
      if (faults.length > 0) break
      void queue.add(() => importRecord(import_, file, record).catch((error: unknown) => faults.push(error)))
      await (isLarge ? queue.onIdle() : queue.onSizeLessThan(1))
    }
  } catch (error) {
    if (error instanceof FileFormatError) refuse(report, `${file.name}: ${error.message}`)
    else faults.push(error)
  }
  await queue.onIdle()
  addNotes(report, notes, file.name)
  if (faults.length > 0) throw faults[0]
}

async function importRecord(import_: Import, file: SourceFile, record: FileRecord): Promise<void> {
  const { deps, limits, report, underWay, onProgress } = import_
  const notes: Note[] = []
  const noted = createNotes(notes, record.place)
  try {
    const conversation = readChecked(import_, file, record, notes)
    const key = conversation.origin.id ?? conversation.externalId ?? ''
    const before = underWay.get(key)
    const storing = (before ?? Promise.resolve()).then(() =>
      storeConversation(deps, conversation, limits.ownerId, noted, (stored) => {
        addTo(report, stored)
        onProgress()
      }),
    )
    const settled = storing.catch(() => {})
    underWay.set(key, settled)
    await storing.finally(() => underWay.get(key) === settled && underWay.delete(key))
    report.conversations++
    addNotes(report, notes, file.name)
  } catch (error) {
    if (!isFileError(error)) throw error
    refuse(report, `${file.name}: ${record.place}: ${error.message}`)
  }
  onProgress()
}

/** Finds every error of a conversation before anything of it is stored. */
function readChecked(import_: Import, file: SourceFile, record: FileRecord, notes: Note[]): FileConversation {
  if ('error' in record) throw new FileFormatError(record.error)
  const { limits, deps } = import_
  try {
    const conversation = decodeConversation(record.value, { notes: createNotes(notes, record.place), limits })
    checkConversation(import_, file, conversation, notes, deps.now())
    return conversation
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new BadUserInputError('the conversation', 'nested less deeply', 'more levels than can be read')
  }
}

function checkConversation(
  { metIn }: Import,
  file: SourceFile,
  conversation: FileConversation,
  notes: readonly Note[],
  now: number,
): void {
  const { id, isNamed, externalId = id, settings, branches, hasLastingIds } = conversation
  checkNewConversation({ ...settings, externalId }, now)
  const loss = notes.find(({ isLoss }) => isLoss)
  if (loss && branches.every(({ messages }) => messages.length === 0)) {
    throw new FileFormatError(`nothing of it can be read: ${loss.place}: ${loss.what}`)
  }
  // The second would be taken for the first, grown or changed. Without ids, equal ones are the same.
  if (isNamed && !hasLastingIds && metIn.get(externalId) === file) {
    throw new BadUserInputError('id', 'unlike every other in the file', JSON.stringify(id.slice(0, 64)))
  }
  metIn.set(externalId, file)
}

function addNotes(report: ImportReport, notes: readonly Note[], source: string): void {
  report.hasLosses ||= notes.some(({ isLoss }) => isLoss)
  countNotes(report.notes, notes, source)
}

function addTo(report: ImportReport, { messages, stored, tokens }: StoredBatch): void {
  report.messages += messages
  report.stored += stored
  report.present += messages - stored
  report.tokens += tokens
}

function refuse(report: ImportReport, error: string): void {
  report.refused++
  if (report.errors.length < MAX_ERRORS) report.errors.push(error)
}

/** Whether it is an error of the file, and no fault of the history. */
function isFileError(error: unknown): error is Error {
  return [
    FileFormatError,
    BadUserInputError,
    ClientMessageIdConflictError,
    ConversationIdTakenError,
    NotFoundError,
  ].some((kind) => error instanceof kind)
}
