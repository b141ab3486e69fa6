import { BadUserInputError } from '../../errors.ts'
import { positionAfter } from '../../memory/append/position-after.ts'
import type { Context } from '../../memory/context.ts'
import type { Conversation } from '../../memory/conversation.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import type { Json, Message, MessageDraft, Usage } from '../../memory/message.ts'
import { contextOf } from '../../memory/read/context-reader.ts'
import type { PromptPath, PromptStart } from '../../memory/read/prompt-reader.ts'
import { toChatMessages } from '../chat-messages.ts'
import type { ModelRequest } from '../model/chat-model.ts'

/** What a send may say about its prompt. */
export interface PromptOptions {
  /** The budget of the context, the question included. */
  maxTokens: number
  anchor: number
  /** The conversation's when absent, and else the adapter's default. */
  model?: string
  maxReplyTokens?: number
  modelOptions?: { [key: string]: Json }
}

/** What the model is given for a reply. */
export interface Prompt {
  question: Message
  context: Context
  instructions: string | undefined
  encoding: string
  request: ModelRequest & { model: string }
}

/**
 * Where the prompt of a reply ends: the path behind which its question goes, or which ends with it. Throws BadUserInputError when the message it replaces is of the wrong kind,
 * or when it has no question and nothing before it can be answered.
 */
export async function readPromptPath(
  memory: Pick<Memory, 'readPrompt'>,
  record: ReplyRecord,
  question?: Message,
): Promise<PromptPath> {
  const { ownerId, conversationId, context } = record
  const path = await memory.readPrompt(ownerId, conversationId, context.maxTokens, promptStart(record, question))
  const { role } = path.newBranch?.replaced ?? {}
  if (record.question && role && role !== 'USER') {
    throw new BadUserInputError('replaces', 'a message of the user when `content` or `parts` are given', role)
  }
  if (record.question === undefined) {
    if (role && role !== 'ASSISTANT') {
      throw new BadUserInputError('replaces', 'a reply when neither `content` nor `parts` are given', role)
    }
    answeredMessage(path, context.maxTokens)
  }
  return path
}

/**
 * A question that is stored already is on a branch, whichever is active by now. STRONG: where nothing is
 * appended, no position shows that what was read is old.
 */
function promptStart({ question: draft, replaces }: ReplyRecord, question: Message | undefined): PromptStart {
  if (draft && question) return { branch: question.branch, consistency: 'STRONG' }
  if (replaces !== undefined) return { replaces }
  return draft ? {} : { consistency: 'STRONG' }
}

/** The message that a reply without a question of its own answers: the last one of its path. */
export function answeredMessage({ newBranch, path: { head, messages } }: PromptPath, maxTokens: number): Message {
  const last = messages.at(-1)
  if (last?.role === 'USER' || last?.role === 'TOOL') return last
  if (last === undefined && head.sequence > 0) {
    throw new BadUserInputError('maxContextTokens', 'at least the tokens of the last message', String(maxTokens))
  }
  const given = last === undefined ? 'no message' : `a message of the role ${last.role}`
  if (newBranch)
    throw new BadUserInputError('replaces', 'a reply to the user or to results of tools', `one to ${given}`)
  throw new BadUserInputError('content', 'given where the conversation ends with no question', given)
}

/**
 * The question placed behind a path, the window that ends with it, and the request that says so. Throws
 * BadUserInputError when the question alone is over the budget.
 */
export function buildPrompt(
  { conversation, branch, path }: PromptPath,
  draft: MessageDraft,
  tokens: number,
  options: PromptOptions,
  defaultModel: string,
): Prompt {
  const [question] = positionAfter(conversation.id, branch, path.head, [{ draft, tokens }])
  if (question === undefined) throw new TypeError('A prompt without a question')
  if (tokens > options.maxTokens) {
    throw new BadUserInputError(
      'maxContextTokens',
      `at least the question's ${tokens} tokens`,
      String(options.maxTokens),
    )
  }
  const withQuestion = {
    ...path,
    messages: [...path.messages, question],
    head: { sequence: question.sequence, tokens: question.tokenStart + tokens },
    historyFrom: path.historyFrom === path.head.sequence + 1 ? question.sequence + 1 : path.historyFrom,
  }
  return asPrepared(conversation, question, withQuestion, options, defaultModel)
}

/**
 * The same when the question is stored already: the path holds it. Throws BadUserInputError when nothing
 * is within the budget, as when the results of a tool are not.
 */
export function buildStoredPrompt(
  { conversation, path }: PromptPath,
  question: Message,
  options: PromptOptions,
  defaultModel: string,
): Prompt {
  const prepared = asPrepared(conversation, question, path, options, defaultModel)
  if (prepared.context.messages.length > 0) return prepared
  const limit = 'at least the tokens of the last turn, with the calls that its results answer'
  throw new BadUserInputError('maxContextTokens', limit, String(options.maxTokens))
}

function asPrepared(
  { id, instructions, encoding, model: usualModel }: Conversation,
  question: Message,
  path: PromptPath['path'],
  { maxTokens, anchor, model, maxReplyTokens, modelOptions }: PromptOptions,
  defaultModel: string,
): Prompt {
  const context = contextOf({ conversationId: id, maxTokens, startOn: 'ANY', anchor }, path)
  const system: Json[] = instructions === undefined ? [] : [{ role: 'system', content: instructions }]
  const request = {
    model: model ?? usualModel ?? defaultModel,
    messages: [...system, ...(toChatMessages(context.messages) as unknown as Json[])],
    cacheKey: id,
    ...(maxReplyTokens !== undefined && { maxReplyTokens }),
    ...(modelOptions !== undefined && { options: modelOptions }),
  }
  return { question, context, instructions, encoding, request }
}

/** What is known of a reply besides what it says, as far as it is known yet. */
export function replyFacts(
  question: Message | undefined,
  prompt: Prompt | undefined,
  usage: Usage | undefined,
): { questionId?: string; model?: string; usage?: Usage } {
  return {
    ...(question && { questionId: question.id }),
    ...(prompt && { model: prompt.request.model }),
    ...(usage && { usage }),
  }
}
