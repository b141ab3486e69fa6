import {
  BadUserInputError,
  ClientMessageIdConflictError,
  ExternalIdTakenError,
  HistoryUnavailableError,
  NotFoundError,
  RateLimitedError,
  ReplyRejectedError,
} from '../errors.ts'
import { builder } from './builder.ts'

const ErrorCodeRef = builder.enumType('ErrorCode', {
  description: 'What went wrong, for programs. There will be more.',
  values: {
    NOT_FOUND: { description: 'There is no such object for you.' },
    BAD_USER_INPUT: { description: 'The input breaks a limit.' },
    HISTORY_UNAVAILABLE: { description: 'The store cannot be reached, or refuses.' },
    CONVERSATION_UNREADABLE: { description: 'What is stored of the conversation cannot be read; that was logged.' },
    CLIENT_MESSAGE_ID_CONFLICT: { description: 'The client id is stored with other content, or in another place.' },
    EXTERNAL_ID_TAKEN: { description: 'Another of your conversations has this external id.' },
    BUSY: { description: 'Another reply is active in the conversation.' },
    QUEUE_FULL: { description: 'Too many questions wait in the conversation already.' },
    SHUTTING_DOWN: { description: 'This node is stopping; another one will answer.' },
    RATE_LIMITED: { description: 'Too much is under way already; nothing was done.' },
    CANCELLED: { description: 'It was cancelled while it waited.' },
    SUPERSEDED: { description: 'Another question took its place while it waited.' },
    DISCONNECTED: { description: 'Whoever asked left while it waited, and wanted it to end then.' },
    NODE_LOST: { description: 'The node on which it waited was lost.' },
  } as const,
})

type ErrorCode = typeof ErrorCodeRef.$inferType

const ErrorRef = builder.interfaceRef<Error & { code: ErrorCode }>('Error').implement({
  description: 'What a client can act on. Select these fields for the types that you do not know: there will be more.',
  fields: (t) => ({
    code: t.expose('code', { type: ErrorCodeRef, description: 'What went wrong, for programs.' }),
    detail: t.exposeString('message', { description: 'What went wrong, for people.' }),
  }),
})

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'There is no such object, or it belongs to somebody else: the answer is the same.',
  interfaces: [ErrorRef],
})

builder.objectType(BadUserInputError, {
  name: 'InvalidInputError',
  description: 'The input breaks a limit; `detail` says which, and what was given.',
  interfaces: [ErrorRef],
  fields: (t) => ({
    field: t.exposeString('field', { description: 'The input field, for instance messages[3].author.' }),
  }),
})

builder.objectType(HistoryUnavailableError, {
  name: 'HistoryUnavailableError',
  description: 'The store cannot be reached. What was asked may have been done or not.',
  interfaces: [ErrorRef],
  fields: (t) => ({
    retryable: t.exposeBoolean('retryable', {
      description: 'Whether asking again makes sense; with the same client ids nothing is stored twice.',
    }),
  }),
})

builder.objectType(ClientMessageIdConflictError, {
  name: 'ClientMessageIdConflictError',
  description:
    'A message with this client id is stored with other content, or elsewhere than in the place of the message that it is to replace.',
  interfaces: [ErrorRef],
  fields: (t) => ({
    clientMessageId: t.exposeString('clientMessageId', { description: 'The client id.' }),
    messageId: t.exposeID('messageId', { description: 'The message that is stored under it.' }),
  }),
})

builder.objectType(ExternalIdTakenError, {
  name: 'ExternalIdTakenError',
  description: 'Another of your conversations has this external id.',
  interfaces: [ErrorRef],
  fields: (t) => ({ conversationId: t.exposeID('conversationId', { description: 'That conversation.' }) }),
})

builder.objectType(RateLimitedError, {
  name: 'RateLimitedError',
  description: 'Too much is under way already. Nothing was done: ask again later.',
  interfaces: [ErrorRef],
  fields: (t) => ({
    // Nullable as that of ReplyRejectedError: a client selects both together.
    retryAfterMs: t.exposeInt('retryAfterMs', {
      nullable: true,
      description: 'After how many milliseconds asking again makes sense.',
    }),
  }),
})

builder.objectType(ReplyRejectedError, {
  name: 'ReplyRejectedError',
  description: 'The question is refused: no reply was begun. What `sendMessage` streams as a ReplyRejected.',
  interfaces: [ErrorRef],
  fields: (t) => ({
    activeReplyId: t.exposeID('activeReplyId', {
      nullable: true,
      description: 'The reply that is in the way, if one is.',
    }),
    retryAfterMs: t.exposeInt('retryAfterMs', {
      nullable: true,
      description: 'After how many milliseconds asking again makes sense; null when it does not.',
    }),
  }),
})
