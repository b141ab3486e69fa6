import { ConversationUnreadableError } from '../../errors.ts'
import { MAX_POSITION } from '../cache/cache.ts'
import type { Branch, Conversation } from '../conversation.ts'
import type { Head, Message, MessageDraft } from '../message.ts'
import { isMessageField } from '../message-fields.ts'
import { isEncoding } from '../tokens/encoding.ts'
import type { ReplyRecord } from './reply-record.ts'

/*
 * What a store gives may parse and mean nonsense. The decoders check it here, once, so that it is an error of that
 * one conversation, and nothing of it reaches calculations, prompts or clients.
 */

type Check = (value: unknown) => boolean
type Checks<Fields> = { [Name in keyof Required<Fields>]: Check }

const MAX_TIME = 8_640_000_000_000_000

const ROLES = new Set<unknown>(['SYSTEM', 'DEVELOPER', 'USER', 'ASSISTANT', 'TOOL'])
const PHASES = new Set<unknown>(['QUEUED', 'RUN', 'STOP', 'SEALED', 'ENDED'])
const INTERRUPT_REASONS = new Set<unknown>([
  'CANCELLED',
  'SUPERSEDED',
  'DISCONNECTED',
  'SHUTDOWN',
  'NODE_LOST',
  'TIMEOUT',
])

const OUTCOMES = new Map<unknown, Check>([
  ['COMPLETED', hasFields({ finishReason: messageField('finishReason') })],
  ['INTERRUPTED', hasFields({ reason: oneOf(INTERRUPT_REASONS) })],
  ['FAILED', hasFields({ code: isText, detail: isText, retryable: isBoolean, retryAfterMs: optional(isInt) })],
  ['REJECTED', hasFields({ code: isText, detail: isText })],
])

const isHead = hasFields({ sequence: isInt, tokens: isInt })
const isBranch = hasFields({ id: isText, parent: isText, atSequence: isInt, tokenStart: isInt })
const isContext = hasFields({ maxTokens: isWhole, anchor: (value) => typeof value === 'number' })
const DRAFT: Checks<MessageDraft> = {
  role: oneOf(ROLES),
  status: messageField('status'),
  parts: messageField('parts'),
  createdAt: isTime,
  author: optional(messageField('author')),
  replyTo: optional(messageField('replyTo')),
  metadata: optional(messageField('metadata')),
  clientMessageId: optional(messageField('clientMessageId')),
  replyId: optional(messageField('replyId')),
  finishReason: optional(messageField('finishReason')),
  usage: optional(messageField('usage')),
  model: optional(messageField('model')),
}

const MESSAGE = Object.entries<Check>({
  ...DRAFT,
  id: isText,
  conversationId: isText,
  branch: isText,
  sequence: isPositive,
  tokens: isPositive,
  tokenStart: isInt,
} satisfies Checks<Message>)

const CONVERSATION = Object.entries<Check>({
  id: isText,
  ownerId: isText,
  externalId: optional(isText),
  title: optional(isText),
  model: optional(isText),
  instructions: optional(isText),
  encoding: (value) => isText(value) && isEncoding(value),
  metadata: optional(messageField('metadata')),
  branches: listOf(isBranch),
  activeBranch: isText,
  branchEpoch: isInt,
  selectedEpochs: recordOf(isInt),
  heads: recordOf(isHead),
  createdAt: isTime,
  lastMessageAt: isTime,
  archivedAt: optional(isTime),
  expiresAt: optional(isTime),
  dropDue: optional(isTime),
} satisfies Checks<Conversation>)

const REPLY = Object.entries<Check>({
  id: isText,
  conversationId: isText,
  ownerId: isText,
  clientMessageId: isText,
  question: optional(hasFields(DRAFT)),
  questionDigest: optional(isText),
  replaces: optional(isText),
  phase: oneOf(PHASES),
  active: isBoolean,
  stop: optional(oneOf(INTERRUPT_REASONS)),
  beat: isWhole,
  leaseUntil: isTime,
  context: isContext,
  place: optional(isWhole),
  text: isText,
  parts: messageField('parts'),
  outcome: optional((value) => isRecord(value) && OUTCOMES.get(value.type)?.(value) === true),
  model: isText,
  usage: optional(messageField('usage')),
  questionId: optional(isText),
  messageId: optional(isText),
  startedAt: isTime,
  endedAt: optional(isTime),
} satisfies Checks<ReplyRecord>)

const BRANCHES = Object.entries<Check>({ branches: listOf(isBranch) })
const REDACTIONS = Object.entries<Check>({ redactions: listOf(isText) })

/** The conversation that a decoder reads, or ConversationUnreadableError. */
export function readableConversation(id: string, decode: () => Conversation): Conversation {
  return readable(id, CONVERSATION, decode)
}

/** The message that a decoder reads, or the ConversationUnreadableError of its conversation. */
export function readableMessage(conversationId: string, decode: () => Message): Message {
  const message = readable(conversationId, MESSAGE, decode)
  readableHead(conversationId, { sequence: message.sequence, tokens: message.tokenStart + message.tokens })
  return message
}

/** The head that a newest message leaves, or the ConversationUnreadableError of its conversation. */
export function readableHead(conversationId: string, head: Head): Head {
  if (!isHead(head)) throw new ConversationUnreadableError(conversationId, 'the position of a message is nonsense')
  return head
}

/** The reply that a decoder reads, or the ConversationUnreadableError of its conversation. */
export function readableReply(conversationId: string, decode: () => ReplyRecord): ReplyRecord {
  return readable(conversationId, REPLY, decode)
}

/** The branches of a conversation that are read alone, or its ConversationUnreadableError. */
export function readableBranches(conversationId: string, decode: () => Branch[]): Branch[] {
  return readable(conversationId, BRANCHES, () => ({ branches: decode() })).branches
}

/** The ids of messages that are being redacted, or the ConversationUnreadableError of their conversation. */
export function readableRedactions(conversationId: string, decode: () => string[]): string[] {
  return readable(conversationId, REDACTIONS, () => ({ redactions: decode() })).redactions
}

/** The values that can be read; of each other one `onUnreadable` gets the error. For lists that one of them must not end. */
export function skipUnreadable<Stored, Value>(
  stored: readonly Stored[],
  decode: (stored: Stored) => Value,
  onUnreadable: (error: ConversationUnreadableError) => void,
): Value[] {
  return stored.flatMap((each) => {
    try {
      return [decode(each)]
    } catch (error) {
      if (!(error instanceof ConversationUnreadableError)) throw error
      onUnreadable(error)
      return []
    }
  })
}

/** The reason names the field and never the value: messages of JSON's errors have the value in them. */
function readable<T extends object>(conversationId: string, checks: [string, Check][], decode: () => T): T {
  let value: T
  try {
    value = decode()
  } catch (error) {
    const kind = error instanceof Error ? error.name : typeof error
    throw new ConversationUnreadableError(conversationId, `a value cannot be decoded (${kind})`)
  }
  for (const [field, isValid] of checks) {
    if (!isValid((value as Record<string, unknown>)[field])) {
      throw new ConversationUnreadableError(conversationId, `${field} is nonsense`)
    }
  }
  return value
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** What GraphQL's Int holds, and a cached tail. */
function isInt(value: unknown): boolean {
  return isWhole(value) && (value as number) <= MAX_POSITION
}

function isPositive(value: unknown): boolean {
  return isInt(value) && value !== 0
}

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= MAX_TIME
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function messageField(name: keyof MessageDraft): Check {
  return (value) => isMessageField(name, value)
}

function oneOf(words: ReadonlySet<unknown>): Check {
  return (value) => words.has(value)
}

function optional(isValid: Check): Check {
  return (value) => value === undefined || isValid(value)
}

function listOf(isValid: Check): Check {
  return (value) => Array.isArray(value) && value.every(isValid)
}

function recordOf(isValid: Check): Check {
  return (value) => isRecord(value) && Object.values(value).every(isValid)
}

function hasFields(checks: Record<string, Check>): Check {
  const fields = Object.entries(checks)
  return (value) => isRecord(value) && fields.every(([name, isValid]) => isValid(value[name]))
}
