import type { ReplyErrorCode } from '../../errors.ts'
import { builder } from '../builder.ts'

const VALUES: Record<ReplyErrorCode, { description: string }> = {
  BUSY: { description: 'Another reply is active in the conversation.' },
  QUEUE_FULL: { description: 'Too many questions wait in the conversation already.' },
  CLIENT_MESSAGE_ID_CONFLICT: { description: 'The client id is used by another question or message.' },
  NOT_FOUND: { description: 'There is no such conversation or reply for you, or it was deleted meanwhile.' },
  BAD_USER_INPUT: { description: 'The input breaks a limit.' },
  HISTORY_UNAVAILABLE: { description: 'The store cannot be reached, or refuses.' },
  CONVERSATION_UNREADABLE: { description: 'What is stored of the conversation cannot be read; that was logged.' },
  SHUTTING_DOWN: { description: 'This node is stopping; another one will answer.' },
  RATE_LIMITED: { description: 'Too much is under way already; send again after `retryAfterMs`.' },
  CANCELLED: { description: 'It was cancelled while it waited.' },
  SUPERSEDED: { description: 'Another question took its place while it waited.' },
  DISCONNECTED: { description: 'Whoever asked left while it waited, and wanted it to end then.' },
  NODE_LOST: { description: 'The node on which it waited stopped or was lost; it may be sent again.' },
  MODEL_TIMEOUT: { description: 'No first token, or no further one, came in time.' },
  MODEL_UNAVAILABLE: { description: 'The model cannot be reached, or its server is at fault.' },
  MODEL_RATE_LIMITED: { description: 'The provider of the model says to wait.' },
  MODEL_REJECTED: { description: 'The provider of the model refuses this request.' },
  MODEL_STREAM_BROKEN: { description: 'The stream of the model broke off, or was none.' },
  INTERNAL: { description: 'Our own fault; it was logged.' },
}

/** Why a reply was refused or failed. */
export const ReplyErrorCodeRef = builder.enumType('ReplyErrorCode', {
  description: 'Why a reply was refused or failed, for programs. There will be more.',
  values: VALUES,
})
