import PQueue from 'p-queue'
import { BadUserInputError, ClientMessageIdConflictError, NotFoundError } from '../errors.ts'
import { checkNewConversation, checkNewMessage } from '../memory/input/limits.ts'
import { decodeChatGptConversation, isChatGptConversation } from './chatgpt/chatgpt-conversation.ts'
import { clientIdOf, type FileConversation } from './file-conversation.ts'
import { decodeConversation } from './openai/openai-conversation.ts'
import { type FileRecord, readRecords } from './read-records.ts'
import { FileFormatError } from './read-text.ts'
import { type ImporterDeps, type StoredBatch, storeConversation } from './store-conversation.ts'

/** The owner of what is imported, and the size of the largest message in bytes of UTF-8. */
export interface ImportLimits {
  ownerId: string
  maxMessageBytes: number
}

/** What an import has done so far, and at its end all that it did. */
export interface ImportReport {
  /** Conversations that are stored whole now. */
  conversations: number
  /** Messages of the file that are in the history now; of them, those stored by this run and those there already. */
  messages: number
  stored: number
  present: number
  /** Tokens of those messages, their framing included. */
  tokens: number
  /** Conversations that were refused; nothing new of them is stored. */
  refused: number
  /** One line for each refused conversation, with its place in the file; the first ones, if they are many. */
  errors: string[]
}

/** Conversations under way: enough to count one while another is inserted. */
const CONCURRENCY = 8
const MAX_ERRORS = 100
const EMPTY_REPORT = { conversations: 0, messages: 0, stored: 0, present: 0, tokens: 0, refused: 0 }
/** An external id has room for so many characters behind its prefix. */
const MAX_ID_LENGTH = 249

/**
 * Imports a file: each conversation is checked whole, then stored in batches, in order, under ids that the
 * file determines. So a second run stores nothing, and one after an interrupted run only what is missing.
 * Rejects when the file or the history cannot be read on; what was stored until then stays.
 */
export async function importFile(
  deps: ImporterDeps,
  path: string,
  limits: ImportLimits,
  onProgress: (bytes: number, report: Readonly<ImportReport>) => void,
): Promise<ImportReport> {
  const report: ImportReport = { ...EMPTY_REPORT, errors: [] }
  const ids = new Set<string>()
  const queue = new PQueue({ concurrency: CONCURRENCY })
  const faults: unknown[] = []
  let bytes = 0
  const importRecord = async (record: FileRecord) => {
    try {
      const conversation = readChecked(record, ids, limits, deps.now())
      await storeConversation(deps, conversation, limits.ownerId, (stored) => {
        addTo(report, stored)
        onProgress(bytes, report)
      })
      report.conversations++
    } catch (error) {
      if (isFileError(error)) refuse(report, record.place, error.message)
      else faults.push(error)
    }
    onProgress(bytes, report)
  }
  const onBytes = (read: number) => {
    bytes = read
  }
  try {
    for await (const record of readRecords(path, onBytes)) {
      if (faults.length > 0) break
      void queue.add(() => importRecord(record))
      await queue.onSizeLessThan(1)
    }
  } catch (error) {
    if (error instanceof FileFormatError) refuse(report, 'the file', error.message)
    else faults.push(error)
  }
  await queue.onIdle()
  if (faults.length > 0) throw faults[0]
  return report
}

/** Finds every error of a conversation before anything of it is stored. */
function readChecked(record: FileRecord, ids: Set<string>, limits: ImportLimits, now: number): FileConversation {
  if ('error' in record) throw new FileFormatError(record.error)
  try {
    const { value } = record
    const conversation = isChatGptConversation(value) ? decodeChatGptConversation(value) : decodeConversation(value)
    checkConversation(conversation, ids, limits, now)
    return conversation
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new BadUserInputError('the conversation', 'nested less deeply', 'more levels than can be read')
  }
}

function checkConversation(conversation: FileConversation, ids: Set<string>, limits: ImportLimits, now: number): void {
  const { id, isNamed, externalId, settings, branches } = conversation
  if (id === '' || id.length > MAX_ID_LENGTH) {
    throw new BadUserInputError('id', `1 to ${MAX_ID_LENGTH} characters`, String(id.length))
  }
  checkNewConversation({ ...settings, externalId }, now)
  for (const { id, place, message } of branches.flatMap(({ messages }) => messages)) {
    checkNewMessage(place, { ...message, clientMessageId: clientIdOf(id) }, limits.maxMessageBytes)
  }
  // The second would be taken for the first, grown or changed. Without ids, equal ones are the same.
  if (isNamed && ids.has(externalId)) {
    throw new BadUserInputError('id', 'unlike every other in the file', JSON.stringify(id.slice(0, 64)))
  }
  ids.add(externalId)
}

function addTo(report: ImportReport, { messages, stored, tokens }: StoredBatch): void {
  report.messages += messages
  report.stored += stored
  report.present += messages - stored
  report.tokens += tokens
}

function refuse(report: ImportReport, place: string, reason: string): void {
  report.refused++
  if (report.errors.length < MAX_ERRORS) report.errors.push(`${place}: ${reason}`)
}

/** Whether it is an error of the file, and no fault of the history. */
function isFileError(error: unknown): error is Error {
  return [FileFormatError, BadUserInputError, ClientMessageIdConflictError, NotFoundError].some(
    (kind) => error instanceof kind,
  )
}
