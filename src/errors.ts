/** Why a question was refused: no reply to it was begun. */
export type ReplyRejectionCode =
  | 'BUSY'
  | 'QUEUE_FULL'
  | 'CLIENT_MESSAGE_ID_CONFLICT'
  | 'NOT_FOUND'
  | 'BAD_USER_INPUT'
  | 'HISTORY_UNAVAILABLE'
  | 'CONVERSATION_UNREADABLE'
  | 'SHUTTING_DOWN'
  | 'RATE_LIMITED'
  /** The next four ended it while it waited in the queue. */
  | 'CANCELLED'
  | 'SUPERSEDED'
  | 'DISCONNECTED'
  | 'NODE_LOST'

/** Why a reply was refused or failed; the latter too where no model is to blame. */
export type ReplyErrorCode =
  | ReplyRejectionCode
  | 'MODEL_TIMEOUT'
  | 'MODEL_UNAVAILABLE'
  | 'MODEL_RATE_LIMITED'
  | 'MODEL_REJECTED'
  | 'MODEL_STREAM_BROKEN'
  | 'INTERNAL'

/** Of what a client named, so that no answer repeats it whole. */
const MAX_SHOWN_CHARS = 64

/** A thing that is missing or belongs to another owner: the answer is the same. */
export class NotFoundError extends Error {
  readonly code = 'NOT_FOUND'
  constructor(kind: string, id: string) {
    super(`No ${kind} ${JSON.stringify(shorten(id))}.`)
    this.name = 'NotFoundError'
  }
}

function shorten(text: string): string {
  return text.length <= MAX_SHOWN_CHARS ? text : `${text.slice(0, MAX_SHOWN_CHARS)}…`
}

/** Input that breaks a limit: names the field, the limit and what was given. */
export class BadUserInputError extends Error {
  readonly code = 'BAD_USER_INPUT'
  readonly field: string
  constructor(field: string, limit: string, given: string) {
    super(`${field} must be ${limit}; got ${given}.`)
    this.name = 'BadUserInputError'
    this.field = field
  }
}

/** A query that would take too long to parse, to validate or to execute: names the limit and what was given. */
export class QueryTooComplexError extends Error {
  readonly code = 'QUERY_TOO_COMPLEX'
  constructor(limit: string, given: string) {
    super(`A query must have at most ${limit}; got ${given}.`)
    this.name = 'QueryTooComplexError'
  }
}

/** What is wrong with the history. */
export interface HistoryFault {
  /** Fit for clients: no host, no path, no content. */
  detail: string
  /** Whether a call can succeed later without anybody's help. */
  retryable: boolean
  /** Which store it was and what it said, for the log: its host or path and a reason, no secrets and no content. */
  reason: string
}

/** The history cannot be reached, or refuses. Whatever was called can be called again; with the same client ids nothing doubles. */
export class HistoryUnavailableError extends Error {
  readonly code = 'HISTORY_UNAVAILABLE'
  readonly retryable: boolean
  readonly reason: string
  constructor(cause: unknown, fault: Partial<HistoryFault> = {}) {
    super(fault.detail ?? 'The history cannot be reached; try again.', { cause })
    this.name = 'HistoryUnavailableError'
    this.retryable = fault.retryable ?? true
    this.reason = fault.reason ?? ''
  }
}

/** A stored conversation that cannot be what was written. Its message is fit for clients; the reason is for the log. */
export class ConversationUnreadableError extends Error {
  readonly code = 'CONVERSATION_UNREADABLE'
  readonly conversationId: string
  /** Which stored value is wrong, without the value. */
  readonly reason: string
  constructor(conversationId: string, reason: string) {
    super(`What is stored of the conversation ${JSON.stringify(conversationId)} cannot be read.`)
    this.name = 'ConversationUnreadableError'
    this.conversationId = conversationId
    this.reason = reason
  }
}

/** Why the program cannot start, as people can put it right: the message names the setting or the file, and no secret. */
export class StartError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'StartError'
  }
}

/** Why a stream ends whose caller has to prove anew who it is; what it followed goes on. */
export class CallerExpiredError extends Error {
  constructor() {
    super('The proof of who asked has expired.')
    this.name = 'CallerExpiredError'
  }
}

/** More at once than this node, or who asks, may have under way; nothing was done. The message is fit for clients. */
export class RateLimitedError extends Error {
  readonly code = 'RATE_LIMITED'
  readonly retryAfterMs: number
  constructor(detail: string, retryAfterMs: number) {
    super(detail)
    this.name = 'RateLimitedError'
    this.retryAfterMs = retryAfterMs
  }
}

/** A `clientMessageId` that is already stored with other content, or that is to replace a message and stands elsewhere. */
export class ClientMessageIdConflictError extends Error {
  readonly code = 'CLIENT_MESSAGE_ID_CONFLICT'
  readonly clientMessageId: string
  readonly messageId: string
  constructor(clientMessageId: string, messageId: string, difference = 'with other content') {
    super(`clientMessageId ${JSON.stringify(clientMessageId)} is stored ${difference}.`)
    this.name = 'ClientMessageIdConflictError'
    this.clientMessageId = clientMessageId
    this.messageId = messageId
  }
}

/** An id that a conversation brought along is in use: by another owner, or by one that is being deleted. */
export class ConversationIdTakenError extends Error {
  readonly code = 'CONVERSATION_ID_TAKEN'
  constructor(id: string) {
    super(`The id ${JSON.stringify(id)} is taken: by another owner, or by a conversation that is being deleted.`)
    this.name = 'ConversationIdTakenError'
  }
}

/** The owner has a conversation with this `externalId` already. */
export class ExternalIdTakenError extends Error {
  readonly code = 'EXTERNAL_ID_TAKEN'
  readonly conversationId: string
  constructor(externalId: string, conversationId: string) {
    super(`externalId ${JSON.stringify(externalId)} is taken: conversation(externalId: …) finds its conversation.`)
    this.name = 'ExternalIdTakenError'
    this.conversationId = conversationId
  }
}

/** A question to which no reply was begun; the message is fit for clients. */
export class ReplyRejectedError extends Error {
  readonly code: ReplyRejectionCode
  /** The reply that is in the way, if one is. */
  readonly activeReplyId: string | undefined
  readonly retryAfterMs: number | undefined
  constructor(rejection: {
    code: ReplyRejectionCode
    detail: string
    activeReplyId?: string
    retryAfterMs?: number
  }) {
    super(rejection.detail)
    this.name = 'ReplyRejectedError'
    this.code = rejection.code
    this.activeReplyId = rejection.activeReplyId
    this.retryAfterMs = rejection.retryAfterMs
  }
}
