import { createHash } from 'node:crypto'
import type { NewConversation, Origin } from '../memory/conversation.ts'
import type { MessageDraft } from '../memory/message.ts'
import type { Notes } from './notes.ts'

/** A format of files: what is read from it, whatever else stands there. */
export interface FileFormat {
  /** As people know it. */
  name: string
  /** Which files are of it, in the lines of a help. */
  files: readonly string[]
  /** Whether a conversation is of this format. */
  matches(value: unknown): boolean
  /**
   * What is readable of it. What is left out or changed is noted; BadUserInputError where nothing can be read. Fields
   * that are not known are ignored.
   */
  decode(value: unknown, context: DecodeContext): FileConversation
}

/** What a format decodes with. */
export interface DecodeContext {
  notes: Notes
  limits: MessageLimits
}

/** What a message may hold. */
export interface MessageLimits {
  maxMessageBytes: number
}

/** A conversation as a file has it: the one form that every format is read into. */
export interface FileConversation {
  /** The file's id, or a digest of the messages where it has none: the same at every reading. */
  id: string
  /** Whether the file says the id. */
  isNamed: boolean
  /** Under which it is stored. */
  externalId?: string
  settings: Omit<NewConversation, 'externalId'>
  /** Where it has an own `id` here, it is found and made by that. */
  origin: Origin
  /** Whether ids of messages stay with what they say, but for one that was half written; else they are places. */
  hasLastingIds: boolean
  /** The root first, each one behind those that it begins in. */
  branches: FileBranch[]
  /** Ids of messages; the paths through them become active one after the other. */
  selectedIds: string[]
  /** Id of the message whose path is shown; of a part of a conversation it may be in another file. */
  shownId?: string
}

/** Messages that follow each other on a branch of their own. */
export interface FileBranch {
  /** The branch's own id here; absent: a new one. */
  id?: string
  /** Id of the message before the first one; absent at the beginning of the conversation. */
  behind?: string
  /** Id of the message before the first one in another file, if it is there: counts before `replaces`. */
  outside?: string
  /** Id of an older version of the first one. */
  replaces?: string
  /** Whether the path that is shown needs it. */
  isShown?: boolean
  messages: PlacedMessage[]
}

/** A message of a file. */
export interface PlacedMessage {
  /** Unique in its conversation, and the same at every reading. */
  id: string
  /** Where it stands in the conversation, for people. */
  place: string
  message: FileMessage
  /** Of an own export: what the message is known by here. */
  own?: OwnMessage
}

/** What a message of an own export keeps. */
export interface OwnMessage extends Pick<MessageDraft, 'clientMessageId' | 'replyId' | 'replyTo'> {
  /** Its id here. */
  id: string
  /** What it costs, where its content no longer says it. */
  tokens?: number
}

/** What a message in a file says: a draft, perhaps without its time. */
export type FileMessage = Omit<MessageDraft, 'createdAt' | 'clientMessageId' | 'replyId' | 'replyTo'> & {
  /** Epoch milliseconds. */
  createdAt?: number
}

const CLIENT_ID_PREFIX = 'import:'

/** A client's id has room for so many characters beside our own. */
const MAX_FILE_ID_LENGTH = 230

/** The idempotency key of a message with this id in a file; a digest of one that cannot be stored as it is. */
export function clientIdOf(id: string): string {
  const isStorable = id.length <= MAX_FILE_ID_LENGTH && id.isWellFormed() && !id.includes('\0')
  return `${CLIENT_ID_PREFIX}${isStorable ? id : createHash('sha256').update(id).digest('hex')}`
}
