import type { NewConversation } from '../memory/conversation.ts'
import type { FileMessage } from './openai/openai-message.ts'

/** A conversation as a file has it. */
export interface FileConversation {
  /** The file's id, or a digest of the messages where it has none: the same at every reading. */
  id: string
  /** Whether the file says the id. */
  isNamed: boolean
  /** Under which it is stored. */
  externalId: string
  settings: Omit<NewConversation, 'externalId'>
  /** Epoch milliseconds. */
  archivedAt?: number
  /** The root first, each one behind that whose message it replaces. */
  branches: FileBranch[]
  /** Id of a message on the path that is to be active; absent where there is one path only. */
  selectedId?: string
}

const CLIENT_ID_PREFIX = 'import:'

/** The idempotency key of a message with this id in a file. */
export function clientIdOf(id: string): string {
  return `${CLIENT_ID_PREFIX}${id}`
}

/** The id in a file of a message with this key; undefined where it came from no file. */
export function idOfClient(clientMessageId: string): string | undefined {
  return clientMessageId.startsWith(CLIENT_ID_PREFIX) ? clientMessageId.slice(CLIENT_ID_PREFIX.length) : undefined
}

/** Messages that follow each other on a branch of their own. */
export interface FileBranch {
  /** Id of the message whose place the first one takes; absent at the root. */
  replaces?: string
  messages: PlacedMessage[]
}

/** A message of a file. */
export interface PlacedMessage {
  /** Unique in its conversation, and the same at every reading. */
  id: string
  /** Where it stands in the conversation, for people. */
  place: string
  message: FileMessage
}
