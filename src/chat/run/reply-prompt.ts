import { BadUserInputError } from '../../errors.ts'
import type { Context } from '../../memory/context.ts'
import type { Conversation } from '../../memory/conversation.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { Memory } from '../../memory/memory.ts'
import type { Json, Message, MessageDraft, Usage } from '../../memory/message.ts'
import { contextOf, withNewest } from '../../memory/prompt.ts'
import type { PromptPath, PromptStart } from '../../memory/read/prompt-reader.ts'
import type { TokenCounter } from '../../memory/tokens/token-counter.ts'
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
  /** Where the question comes from, for instance its connection: long ones are counted in turns. */
  source?: string
}

/** What prompts are built with. */
export interface PromptDeps {
  counter: TokenCounter
  /** The model of a reply for which neither its sender nor its conversation names one. */
  defaultModel: string
  /** Whose state goes into a prompt: see `ChatModel.provider`. */
  provider: string | undefined
}

/** What the model is given for a reply. */
export interface Prompt {
  question: Message
  /** Whether the question was stored before the prompt was built. */
  isStored: boolean
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
function answeredMessage(promptPath: PromptPath, maxTokens: number): Message {
  const { newBranch, path } = promptPath
  const last = path.messages.at(-1)
  if (last?.role === 'USER' || last?.role === 'TOOL') return last
  if (last === undefined && path.head.sequence > 0) throw tooSmallFor(promptPath, maxTokens)
  const given = last === undefined ? 'no message' : `a message of the role ${last.role}`
  if (newBranch)
    throw new BadUserInputError('replaces', 'a reply to the user or to results of tools', `one to ${given}`)
  throw new BadUserInputError('content', 'given where the conversation ends with no question', given)
}

/** The last message is over the budget, or the results of a tool are with the calls that they answer. */
function tooSmallFor({ leastTokens }: PromptPath, maxTokens: number): BadUserInputError {
  const tokens = leastTokens === undefined ? 'the tokens' : `the ${leastTokens} tokens`
  const limit = `at least ${tokens} of the last turn, with the calls that its results answer`
  return new BadUserInputError('maxContextTokens', limit, String(maxTokens))
}

/**
 * What the model is given: the window that ends with the question, and the request that says so. The question is
 * `stored`, or else `draft` behind the path, or else the last message of the path. Rejects with BadUserInputError
 * when the question is over the budget, or nothing is within it, as when the results of a tool are not.
 */
export async function buildPrompt(
  deps: PromptDeps,
  path: PromptPath,
  draft: MessageDraft | undefined,
  stored: Message | undefined,
  options: PromptOptions,
): Promise<Prompt> {
  const { maxTokens, source = '' } = options
  const question = stored ?? (draft ? undefined : answeredMessage(path, maxTokens))
  if (question !== undefined) {
    const prompt = promptOf(path.conversation, question, true, path.path, options, deps)
    if (prompt.context.messages.length > 0) return prompt
    throw tooSmallFor(path, maxTokens)
  }
  if (draft === undefined) throw new TypeError('A prompt without a question')
  const { encoding, ownerId } = path.conversation
  const [tokens = 0] = await deps.counter.countMessages(encoding, [draft], { ownerId, source })
  if (tokens > maxTokens) {
    throw new BadUserInputError('maxContextTokens', `at least the question's ${tokens} tokens`, String(maxTokens))
  }
  const { message, path: withQuestion } = withNewest(path, draft, tokens)
  return promptOf(path.conversation, message, false, withQuestion, options, deps)
}

function promptOf(
  { id, instructions, encoding, model: usualModel }: Conversation,
  question: Message,
  isStored: boolean,
  path: PromptPath['path'],
  { maxTokens, anchor, model, maxReplyTokens, modelOptions }: PromptOptions,
  { defaultModel, provider }: Pick<PromptDeps, 'defaultModel' | 'provider'>,
): Prompt {
  const context = contextOf({ conversationId: id, maxTokens, startOn: 'ANY', anchor }, path)
  const target = { model: model ?? usualModel ?? defaultModel, provider, toolNames: toolNamesIn(modelOptions?.tools) }
  // Blank ones say nothing, and strict servers refuse them.
  const said = instructions?.trim() === '' ? undefined : instructions
  const system: Json[] = said === undefined ? [] : [{ role: 'system', content: said }]
  const request = {
    model: target.model,
    messages: [...system, ...(toChatMessages(context.messages, target) as unknown as Json[])],
    cacheKey: id,
    ...(maxReplyTokens !== undefined && { maxReplyTokens }),
    ...(modelOptions !== undefined && { options: modelOptions }),
  }
  return { question, isStored, context, instructions: said, encoding, request }
}

/** The names of the tools that a request describes. */
function toolNamesIn(tools: Json | undefined): ReadonlySet<string> {
  const given = Array.isArray(tools) ? tools : []
  const names = given.map((tool) => (tool as { function?: { name?: Json } } | null)?.function?.name)
  return new Set(names.filter((name) => typeof name === 'string'))
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
