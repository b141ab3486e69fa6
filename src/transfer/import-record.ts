import { createHash } from 'node:crypto'
import type { IPolicy } from 'cockatiel'
import { BadUserInputError, ClientMessageIdConflictError, ConversationIdTakenError, NotFoundError } from '../errors.ts'
import { checkNewConversation } from '../memory/input/limits.ts'
import type { FileConversation, MessageLimits } from './file-conversation.ts'
import { decodeConversation } from './formats.ts'
import { countNotes, createNotes, type Note, type NoteCount } from './notes.ts'
import type { FileRecord } from './read/read-records.ts'
import { FileFormatError } from './read/read-text.ts'
import type { SourceFile } from './read/source-files.ts'
import { hasParents } from './store/find-conversation.ts'
import { startAttempts, storeConversation } from './store/store-conversation.ts'
import type { ImporterDeps, StoredBatch } from './store/stored-messages.ts'

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

const MAX_ERRORS = 100

/** One import on its way. */
export interface Import {
  deps: ImporterDeps
  limits: ImportLimits
  report: ImportReport
  /** The last import of each conversation: of those that are there twice the second comes behind the first. */
  underWay: Map<string, Promise<void>>
  /** By conversation the file in which it was met, and a digest of what that says of it where no two may be alike. */
  metIn: Map<string, { file: SourceFile; digest: string | undefined }>
  /** By conversation that this run made: when the newest of what it read of it was changed. */
  made: Map<string, number>
  /** What a conversation is stored by. */
  retries: IPolicy
  onProgress(): void
}

/**
 * Imports one conversation of a file, and counts what came of it. Returns whether it is done; false: it goes on behind
 * what is nowhere yet, and waits for other files. Rejects with the history's faults.
 */
export async function importRecord(
  import_: Import,
  file: SourceFile,
  record: FileRecord,
  mayWait: boolean,
): Promise<boolean> {
  const { limits, report, underWay, retries, onProgress } = import_
  const notes: Note[] = []
  try {
    const conversation = readChecked(import_, file, record, notes)
    const key = conversation.origin.id ?? conversation.externalId ?? ''
    const before = underWay.get(key)
    const storing = (before ?? Promise.resolve()).then(async () => {
      if (mayWait && !(await retries.execute(() => hasParents(import_.deps, conversation, limits.ownerId))))
        return false
      await store(import_, conversation, key, { notes, place: record.place })
      return true
    })
    const settled = storing.then(() => {}).catch(() => {})
    underWay.set(key, settled)
    const isDone = await storing.finally(() => underWay.get(key) === settled && underWay.delete(key))
    if (!isDone) return false
    report.conversations++
    addNotes(report, notes, file.name)
  } catch (error) {
    if (!isFileError(error)) throw error
    refuse(report, `${file.name}: ${record.place}: ${error.message}`)
  }
  onProgress()
  return true
}

/**
 * Stores one, and knows what this run has made of it. Where the history cannot be reached, or another import stores the
 * same, it goes on a little later.
 */
async function store(
  { deps, limits, report, made, onProgress, retries }: Import,
  conversation: FileConversation,
  key: string,
  { notes, place }: { notes: Note[]; place: string },
): Promise<void> {
  const onStored = (stored: StoredBatch) => {
    addTo(report, stored)
    onProgress()
  }
  const attempts = startAttempts()
  const { length } = notes
  const { isCreated } = await retries.execute(() => {
    notes.length = length
    const noted = createNotes(notes, place)
    return storeConversation(deps, conversation, limits.ownerId, noted, onStored, made.get(key), attempts)
  })
  const { lastMessageAt: changedAt = 0 } = conversation.origin
  const before = made.get(key)
  if (isCreated || before !== undefined) made.set(key, Math.max(changedAt, before ?? changedAt))
}

/** Finds every error of a conversation before anything of it is stored. */
function readChecked(import_: Import, file: SourceFile, record: FileRecord, notes: Note[]): FileConversation {
  if ('error' in record) throw new FileFormatError(record.error)
  const { limits, deps } = import_
  try {
    const conversation = decodeConversation(record.value, { notes: createNotes(notes, record.place), limits })
    checkConversation(import_, file, conversation, { notes, place: record.place, now: deps.now() })
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
  { notes, place, now }: { notes: Note[]; place: string; now: number },
): void {
  const noted = createNotes(notes, place)
  const { id, isNamed, externalId = id, settings, branches, hasLastingIds } = conversation
  checkNewConversation({ ...settings, externalId }, now)
  const loss = notes.find(({ isLoss }) => isLoss)
  if (loss && branches.every(({ messages }) => messages.length === 0)) {
    throw new FileFormatError(`nothing of it can be read: ${loss.place}: ${loss.what}`)
  }
  const digest = isNamed && !hasLastingIds ? digestOf(conversation) : undefined
  const met = metIn.get(externalId)
  if (digest !== undefined && met?.file === file) {
    // The second would be taken for the first, grown or changed.
    if (met.digest !== digest) {
      throw new BadUserInputError('id', 'unlike every other in the file', JSON.stringify(id.slice(0, 64)))
    }
    noted.change('', 'a conversation that stands in the file twice: there already')
  }
  metIn.set(externalId, { file, digest })
}

function digestOf({ settings, origin, branches }: FileConversation): string {
  return createHash('sha256')
    .update(JSON.stringify([settings, origin, branches]))
    .digest('base64')
}

/** Adds what was noted in a file to a report. */
export function addNotes(report: ImportReport, notes: readonly Note[], source: string): void {
  report.hasLosses ||= notes.some(({ isLoss }) => isLoss)
  countNotes(report.notes, notes, source)
}

function addTo(report: ImportReport, { messages, stored, tokens }: StoredBatch): void {
  report.messages += messages
  report.stored += stored
  report.present += messages - stored
  report.tokens += tokens
}

/** Counts what was refused, and says why. */
export function refuse(report: ImportReport, error: string): void {
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
