import { BadUserInputError, NotFoundError, ReplyRejectedError } from '../errors.ts'
import type { ReplyRecord } from '../memory/history/reply-record.ts'
import { conversationOfReply, isConversationId } from '../memory/ids.ts'
import { checkId, checkName } from '../memory/input/check-text.ts'
import { checkContextRequest, checkNewMessage, type InputLimits } from '../memory/input/limits.ts'
import type { Memory } from '../memory/memory.ts'
import type { Json, MessagePart, Metadata, NewMessage } from '../memory/message.ts'
import type { NewReply } from './begin/begin-reply.ts'
import { rejectionOf } from './begin/reply-rejections.ts'
import type { ReplyEvent } from './follow/reply-event.ts'
import { streamRejection } from './follow/reply-stream.ts'
import { checkModelOptions } from './model/model-options.ts'
import type { Replies } from './replies.ts'

/**
 * A send as a client asks for it, unchecked. Exactly one of the ids, and at most one of `content` and
 * `parts`: with neither the model answers again what the message to be replaced answered, or goes on.
 */
export interface ReplyRequest extends Omit<NewReply, 'conversationId' | 'question' | 'modelOptions'> {
  conversationId?: string
  /** The application's id of the conversation; with a new message an unknown one makes the conversation. */
  externalId?: string
  content?: string
  parts?: MessagePart[]
  author?: string
  metadata?: Metadata
  modelOptions?: Json
}

/** Replies as clients ask for them: what they send is checked, and in a stream every refusal is an event. */
export interface Chat extends Pick<Replies, 'findMany' | 'findActiveMany' | 'findLastMany' | 'findOfMessage'> {
  /** Begins a reply, or joins the one that the same question began, and streams it from its beginning. */
  send(ownerId: string, request: ReplyRequest, signal: AbortSignal): Promise<AsyncIterable<ReplyEvent>>
  /** The same without a stream. Rejects with ReplyRejectedError, or an error that says more. */
  start(ownerId: string, request: ReplyRequest): Promise<ReplyRecord>
  /** What comes after a cursor, null from the beginning, of a reply or of the one that a conversation has. */
  follow(
    ownerId: string,
    of: FollowedReply,
    after: string | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ReplyEvent>>
  /** Undefined for a missing and for a foreign one alike. */
  find(ownerId: string, id: string): Promise<ReplyRecord | undefined>
  /** Stops a reply; the record as it stands then. NotFoundError for a missing or foreign one. */
  cancel(ownerId: string, id: string): Promise<ReplyRecord>
}

/** Exactly one of the ids; of a conversation it is the active reply, else the newest. */
export interface FollowedReply {
  id?: string
  conversationId?: string
}

/** What the chat is made of; `now` gives epoch milliseconds. */
export interface ChatDeps {
  replies: Replies
  memory: Pick<Memory, 'createConversation' | 'findConversationByExternalId'>
  now: () => number
}

/** The chat over the replies: checks what clients send before anything is claimed. */
export function createChat({ replies, memory, now }: ChatDeps, limits: InputLimits): Chat {
  /** Checked whole before anything is stored. */
  async function accept(ownerId: string, request: ReplyRequest): Promise<NewReply> {
    const { conversationId, externalId, content, parts, author, metadata, ...options } = request
    const question = questionOf(request)
    checkNewReply({ ...options, ...(question && { question }) }, limits)
    const isFirst = question !== undefined && options.replaces === undefined
    const id = await conversationOf(ownerId, isFirst, conversationId, externalId)
    const draft = question && { status: 'COMPLETE' as const, createdAt: now(), ...question }
    // The options of the model are an object, as was checked.
    return { ...options, conversationId: id, ...(draft && { question: draft }) } as NewReply
  }

  /** Only what can be the first message makes a conversation: what is replaced or answered is in none that is new. */
  async function conversationOf(ownerId: string, isFirst: boolean, id?: string, externalId?: string): Promise<string> {
    checkOneOf('conversationId', id, 'externalId', externalId)
    if (externalId !== undefined && isFirst) {
      return (await memory.createConversation(ownerId, { externalId }, 'RETURN')).conversation.id
    }
    if (externalId !== undefined) {
      const found = await memory.findConversationByExternalId(ownerId, externalId)
      if (found === undefined) throw new NotFoundError('conversation', externalId)
      return found.id
    }
    if (id === undefined || !isConversationId(id)) throw new NotFoundError('conversation', id ?? '')
    return id
  }

  async function replyOf(ownerId: string, { id, conversationId }: FollowedReply): Promise<string> {
    checkOneOf('id', id, 'conversationId', conversationId)
    if (id !== undefined) return existing(id)
    const isKnown = conversationId !== undefined && isConversationId(conversationId)
    const newest = isKnown ? await replies.findNewest(ownerId, conversationId) : undefined
    if (newest === undefined) throw new NotFoundError('reply in conversation', conversationId ?? '')
    return newest.id
  }

  function send(ownerId: string, request: ReplyRequest, signal: AbortSignal): Promise<AsyncIterable<ReplyEvent>> {
    return orRejection(async () => replies.send(ownerId, await accept(ownerId, request), signal))
  }

  async function start(ownerId: string, request: ReplyRequest): Promise<ReplyRecord> {
    const begun = await replies.start(ownerId, await accept(ownerId, request))
    if ('type' in begun) throw begun.cause ?? new ReplyRejectedError(begun)
    return begun
  }

  function follow(
    ownerId: string,
    of: FollowedReply,
    after: string | null,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ReplyEvent>> {
    return orRejection(async () => replies.subscribe(ownerId, await replyOf(ownerId, of), after, signal))
  }

  async function find(ownerId: string, id: string): Promise<ReplyRecord | undefined> {
    return conversationOfReply(id) === undefined ? undefined : replies.find(ownerId, id)
  }

  async function cancel(ownerId: string, id: string): Promise<ReplyRecord> {
    return replies.cancel(ownerId, existing(id))
  }

  const { findMany, findActiveMany, findLastMany, findOfMessage } = replies
  return { findMany, findActiveMany, findLastMany, findOfMessage, send, start, follow, find, cancel }
}

/** Undefined where the reply is to something that is stored already. */
function questionOf({ content, parts, clientMessageId, author, metadata }: ReplyRequest): NewMessage | undefined {
  if (content === undefined && parts === undefined) {
    const [field] = Object.entries({ author, metadata }).find(([, value]) => value !== undefined) ?? []
    if (field) throw new BadUserInputError(field, 'absent without `content` and `parts`', 'one')
    return undefined
  }
  checkOneOf('content', content, 'parts', parts)
  if (content === '') throw new BadUserInputError('content', 'absent or at least one character', '""')
  return {
    role: 'USER',
    parts: parts ?? [{ type: 'text', text: content ?? '' }],
    clientMessageId,
    ...(author !== undefined && { author }),
    ...(metadata !== undefined && { metadata }),
  }
}

function checkOneOf(name: string, value: unknown, otherName: string, otherValue: unknown): void {
  if ((value === undefined) !== (otherValue === undefined)) return
  const given = value === undefined ? 'neither' : 'both'
  throw new BadUserInputError(name, `given, or else \`${otherName}\`, and not both`, given)
}

/** The id of a reply; what is no such id at all is not looked for. */
function existing(id: string): string {
  if (conversationOfReply(id) === undefined) throw new NotFoundError('reply', id)
  return id
}

async function orRejection(open: () => Promise<AsyncIterable<ReplyEvent>>): Promise<AsyncIterable<ReplyEvent>> {
  try {
    return await open()
  } catch (error) {
    const rejection = rejectionOf(error)
    // Of anything else the transport decides what a client sees.
    if (rejection === undefined) throw error
    return streamRejection(rejection)
  }
}

/** A question and how it is to be answered, as a client gives them. */
export interface AskedReply {
  clientMessageId: string
  /** Absent: the reply is to something that is stored already. */
  question?: NewMessage
  maxTokens: number
  anchor: number
  model?: string
  maxReplyTokens?: number
  modelOptions?: Json
}

/** Throws BadUserInputError unless a reply can be begun like this. Fields are named as a send names them. */
export function checkNewReply(reply: AskedReply, limits: InputLimits): void {
  const { clientMessageId, question, model, maxReplyTokens, modelOptions } = reply
  checkId('clientMessageId', clientMessageId)
  if (question && question.role !== 'USER') throw new BadUserInputError('role', 'USER', question.role)
  if (question) checkNewMessage('', question, limits.maxMessageBytes)
  checkContextRequest(reply, limits, 'maxContextTokens')
  if (model !== undefined) checkName('model', model)
  if (maxReplyTokens !== undefined && !(Number.isInteger(maxReplyTokens) && maxReplyTokens >= 1)) {
    throw new BadUserInputError('maxReplyTokens', 'at least 1', String(maxReplyTokens))
  }
  if (modelOptions !== undefined) checkModelOptions(modelOptions)
}
