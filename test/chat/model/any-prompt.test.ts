import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toChatMessages } from '../../../src/chat/chat-messages.ts'
import { createServerRules } from '../../../src/chat/model/server-rules.ts'
import { readProviderError } from '../../../src/chat/model/wire/provider-error.ts'
import type { Json, Message, MessageDraft, MessagePart } from '../../../src/memory/message.ts'
import { arbitraryMessage } from '../../support/arbitrary-conversation.ts'

/** A message, or a call, as a server gets it. */
interface Sent {
  [field: string]: unknown
  role: string
  tool_calls?: { [field: string]: unknown; id: string }[]
}

/** What a server refuses, and in which words. */
interface Rule {
  /** Why the messages are refused; nothing where they are taken. */
  breaks(messages: readonly Sent[]): boolean
  words: string
  status?: number
}

const MODEL = 'm'
const PROVIDER = 'p'
/** What a provider wants back with its answers. */
const STATE = { provider: PROVIDER, reasoning: 'reasoning_content', message: { reasoning_details: [{ data: 'x' }] } }
const CALL_STATE = { provider: PROVIDER, call: { extra_content: { google: { thought_signature: 'y' } } } }

/** What no server takes, whatever it is. */
const ALWAYS: readonly Rule[] = [
  { words: 'messages must not be empty', breaks: (all) => all.length === 0 },
  { words: 'tool_use without tool_result', breaks: (all) => !isPaired(all) },
  { words: 'a tool call id is there twice', breaks: (all) => new Set(idsOf(all)).size < idsOf(all).length },
  { words: 'text content blocks must contain non-whitespace text', breaks: (all) => all.some(saysNothing) },
  {
    words: 'function.name must match [a-zA-Z0-9_-]{1,64}',
    breaks: (all) => namesOf(all).some((name) => !/^[\w-]{1,64}$/.test(name)),
  },
]
const ALTERNATE = (words: string, status = 400): Rule => ({ words, status, breaks: (all) => !doAlternate(all) })
const SYSTEM_FIRST = (words: string): Rule => ({ words, breaks: (all) => all.slice(1).some(isSystem) })
const NO_SYSTEM = (words: string, status = 400): Rule => ({ words, status, breaks: (all) => all.some(isSystem) })
const NO_DEVELOPER = (words: string): Rule => ({ words, breaks: (all) => all.some(({ role }) => role === 'developer') })
const KNOWN_FIELDS = (words: string): Rule => ({ words, breaks: hasOtherFields })
const NO_NAMES = (words: string): Rule => ({ words, breaks: (all) => all.some((one) => 'name' in one) })
const TEXT_CONTENT = (words: string): Rule => ({
  words,
  breaks: (all) => all.some(({ content }) => Array.isArray(content)),
})
const NO_NULL = (words: string): Rule => ({ words, breaks: (all) => all.some(({ content }) => content === null) })

/** Servers, by what they are known to refuse and the words in which they say it. */
const SERVERS: readonly (readonly [string, readonly Rule[]])[] = [
  ['OpenAI', []],
  [
    'OpenAI’s first reasoning models',
    [NO_SYSTEM("Unsupported value: 'messages[0].role' does not support 'system' with this model.")],
  ],
  [
    'Azure before 2024-12',
    [NO_DEVELOPER("'developer' is not one of ['system', 'assistant', 'user', 'function', 'tool'] - 'messages.0.role'")],
  ],
  [
    'Mistral',
    [
      ALTERNATE("Unexpected role 'user' after role 'tool'"),
      {
        words: 'Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.',
        breaks: (all) => idsOf(all).some((id) => !/^[a-zA-Z0-9]{9}$/.test(id)),
      },
      { words: 'Not the same number of function calls and responses', breaks: (all) => !isPaired(all) },
      {
        words: 'Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant',
        breaks: (all) => !['user', 'tool'].includes(all.at(-1)?.role ?? ''),
      },
    ],
  ],
  [
    'vLLM with a template of Mistral’s',
    [
      ALTERNATE(
        'After the optional system message, conversation roles must alternate user/assistant/user/assistant/...',
      ),
      TEXT_CONTENT('can only concatenate str (not "list") to str: the content of a message must be a string'),
    ],
  ],
  [
    'vLLM with the first template of Mistral’s',
    [
      {
        ...ALTERNATE('Conversation roles must alternate user/assistant/user/assistant/...'),
        breaks: (all) => !doAlternate(all) || all.some(isSystem),
      },
    ],
  ],
  [
    'llama.cpp with the template of Gemma',
    [
      NO_SYSTEM('System role not supported', 500),
      ALTERNATE('Conversation roles must alternate user/assistant/user/assistant/...', 500),
    ],
  ],
  [
    'vLLM with the template of Qwen',
    [SYSTEM_FIRST('System message must be at the beginning.'), NO_DEVELOPER('Unexpected message role.')],
  ],
  [
    'Anthropic',
    [
      ALTERNATE(
        'messages: roles must alternate between "user" and "assistant", but found multiple "user" roles in a row',
      ),
      {
        words: 'messages: text content blocks must be non-empty',
        breaks: (all) => all.some(({ content }) => typeof content === 'string' && content.trim() === ''),
      },
    ],
  ],
  [
    'Bedrock',
    [
      {
        words:
          'A conversation must start with a user message. Try again with a conversation that starts with a user message.',
        breaks: (all) => all.find((one) => !isSystem(one))?.role !== 'user',
      },
      ALTERNATE(
        'A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.',
      ),
    ],
  ],
  [
    'DeepSeek',
    [
      ALTERNATE(
        'deepseek-reasoner does not support successive user or assistant messages (messages[1] and messages[2] in your input). You should interleave the user/assistant messages in the message sequence.',
      ),
      {
        words: 'The `reasoning_content` in the thinking mode must be passed back to the API.',
        breaks: (all) => all.some((one) => one.tool_calls && typeof one.reasoning_content !== 'string'),
      },
    ],
  ],
  [
    'Kimi',
    [
      {
        words: 'thinking is enabled but reasoning_content is missing in assistant tool call message at index 2',
        breaks: (all) => all.some((one) => one.tool_calls && typeof one.reasoning_content !== 'string'),
      },
    ],
  ],
  [
    'Gemini',
    [
      {
        words:
          'Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly.',
        breaks: (all) => all.flatMap((one) => one.tool_calls ?? []).some((call) => call.extra_content === undefined),
      },
    ],
  ],
  [
    'Groq',
    [
      KNOWN_FIELDS(
        "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]",
      ),
      NO_NAMES(
        "'messages.0' : for 'role:user' the following must be satisfied[('messages.0' : property 'name' is unsupported)]",
      ),
    ],
  ],
  [
    'a server of pydantic’s',
    [
      KNOWN_FIELDS('messages.1.assistant.reasoning_content: Extra inputs are not permitted'),
      NO_NULL('messages.1.content: Input should be a valid string'),
    ],
  ],
  ['Ollama', [NO_NULL('invalid message content type: <nil>'), NO_DEVELOPER('invalid role: developer')]],
  [
    'Perplexity',
    [
      SYSTEM_FIRST('System messages should be at the beginning of the message list'),
      ALTERNATE(
        'After the (optional) system message(s), user or tool message(s) should alternate with assistant message(s).',
      ),
    ],
  ],
  [
    'a server that says nothing of use',
    [
      ALTERNATE('invalid messages'),
      SYSTEM_FIRST('invalid messages'),
      KNOWN_FIELDS('invalid messages'),
      NO_NAMES('invalid messages'),
      NO_NULL('invalid messages'),
    ],
  ],
]

const ids = fc.constantFrom('call_0', 'call_1', 'f', 'A1b2C3d4E', 'search:0', 'x'.repeat(200))
const blank = fc.constantFrom('', ' ', '\n\t')
const said = fc.oneof(blank, fc.constantFrom('Hi', 'a b', '<think>hm</think>', '<think>hm</think>42'))
const textPart = said.map((text): MessagePart => ({ type: 'text', text }))
const filePart = fc.constantFrom<MessagePart>(
  { type: 'file', url: 'https://example.com/a.png', mediaType: 'image/png' },
  { type: 'file', url: 'https://example.com/a.pdf', mediaType: 'application/pdf', filename: 'a.pdf' },
)
const callPart = fc
  .tuple(ids, fc.constantFrom('look', 'web.run', '世'), fc.constantFrom('{}', '{"a":1}', '{"a', ''), fc.boolean())
  .map(
    ([toolCallId, toolName, text, isKept]): MessagePart => ({
      type: 'toolCall',
      toolCallId,
      toolName,
      arguments: text,
      ...(isKept && { providerMetadata: CALL_STATE }),
    }),
  )
const resultPart = fc
  .tuple(ids, said)
  .map(([toolCallId, output]): MessagePart => ({ type: 'toolResult', toolCallId, output }))
const thought = fc
  .boolean()
  .map((isKept): MessagePart => ({ type: 'reasoning', text: 'Hm', ...(isKept && { providerMetadata: STATE }) }))
const status = fc.constantFrom(
  'COMPLETE' as const,
  'COMPLETE' as const,
  'INTERRUPTED' as const,
  'FAILED' as const,
  'REDACTED' as const,
)
const author = fc.constantFrom(undefined, undefined, 'Ann', 'Bo b')
const partsOf = (...parts: fc.Arbitrary<MessagePart>[]) => fc.array(fc.oneof(...parts), { maxLength: 3 })
const messageOf = (role: Message['role'], parts: fc.Arbitrary<MessagePart[]>) =>
  fc.tuple(parts, status, author).map(
    ([some, how, who]): MessageDraft => ({
      role,
      status: how,
      parts: some,
      createdAt: 0,
      ...(who !== undefined && { author: who }),
      ...(role === 'ASSISTANT' && { model: MODEL }),
    }),
  )
const anyMessage = fc.oneof(
  { weight: 3, arbitrary: messageOf('USER', partsOf(textPart, filePart)) },
  { weight: 4, arbitrary: messageOf('ASSISTANT', partsOf(textPart, thought, callPart, callPart, resultPart)) },
  { weight: 3, arbitrary: messageOf('TOOL', partsOf(resultPart)) },
  messageOf('SYSTEM', partsOf(textPart)),
  messageOf('DEVELOPER', partsOf(textPart)),
  arbitraryMessage(),
)
/** A node of a tree, and which of those before it it follows. */
const tree = fc.array(fc.tuple(anyMessage, fc.nat(3)), { maxLength: 14 })
const question = messageOf('USER', partsOf(textPart, filePart))
/** A question is asked last, or the results of the last calls are. */
const ending = fc.oneof(
  question.map((one) => [one]),
  fc
    .tuple(messageOf('ASSISTANT', fc.tuple(callPart)), messageOf('TOOL', fc.tuple(resultPart)))
    .map(([called, { parts, ...rest }]) => {
      const [call] = called.parts
      const toolCallId = call?.type === 'toolCall' ? call.toolCallId : ''
      return [called, { ...rest, parts: parts.map((part) => ({ ...part, toolCallId }) as MessagePart) }]
    }),
)

test.each(SERVERS)('a prompt of any path through any tree is one that %s takes in the end', (_name, rules) => {
  fc.assert(
    fc.property(
      tree,
      ending,
      fc.constantFrom(undefined, 'Be kind.'),
      fc.nat(14),
      (nodes, last, instructions, begin) => {
        const window = [...pathOf(nodes).slice(begin), ...last].map(stored)
        const chat = toChatMessages(window, { model: MODEL, provider: PROVIDER }) as unknown as Json[]
        expect(ALWAYS.filter(({ breaks }) => breaks(chat as unknown as Sent[])).map(({ words }) => words)).toEqual([])
        const system = instructions === undefined ? [] : [{ role: 'system', content: instructions }]
        expect(refusals([...system, ...chat], rules)).toEqual([])
        expect(JSON.stringify(window)).toBe(JSON.stringify([...pathOf(nodes).slice(begin), ...last].map(stored)))
      },
    ),
    { numRuns: 300 },
  )
})

/** Asks until the server takes the prompt; what it still refuses when nothing is left to change. */
function refusals(messages: Json[], rules: readonly Rule[]): string[] {
  const attempt = createServerRules('http://model.example').begin({ model: MODEL, messages, cacheKey: 'c' })
  for (;;) {
    const sent = attempt.body.messages as unknown as Sent[]
    const broken = [...ALWAYS, ...rules].find(({ breaks }) => breaks(sent))
    if (broken === undefined) return []
    const { words, status = 400 } = broken
    if (!attempt.avoid(readProviderError({ error: { message: words } }, status))) return [words, JSON.stringify(sent)]
  }
}

/** From the root to the last node. */
function pathOf(nodes: readonly (readonly [MessageDraft, number])[]): MessageDraft[] {
  const path: MessageDraft[] = []
  for (let at = nodes.length - 1; at >= 0; ) {
    const [message, back] = nodes[at] as readonly [MessageDraft, number]
    path.unshift(message)
    at -= 1 + back
  }
  return path
}

function stored(draft: MessageDraft, index: number): Message {
  return {
    ...draft,
    id: `msg_${index}`,
    conversationId: 'conv',
    branch: '0',
    sequence: index + 1,
    tokens: 5,
    tokenStart: 0,
  }
}

function isSystem({ role }: Sent): boolean {
  return role === 'system' || role === 'developer'
}

function idsOf(messages: readonly Sent[]): string[] {
  return messages.flatMap((one) => one.tool_calls ?? []).map(({ id }) => id)
}

function namesOf(messages: readonly Sent[]): string[] {
  return messages
    .flatMap((one) => one.tool_calls ?? [])
    .map((call) => String((call.function as { name?: unknown }).name))
}

function isPaired(messages: readonly Sent[]): boolean {
  let open = new Set<unknown>()
  for (const message of messages) {
    if (message.role !== 'tool') {
      if (open.size > 0) return false
      open = new Set(idsOf([message]))
    } else if (!open.delete(message.tool_call_id)) return false
  }
  return open.size === 0
}

/** A message without a text that is not blank; beside calls there may be none. */
function saysNothing({ content, tool_calls: calls }: Sent): boolean {
  if (Array.isArray(content)) {
    return content.length === 0 || content.some(({ type, text }) => type === 'text' && String(text).trim() === '')
  }
  if (calls !== undefined) return calls.length === 0
  return typeof content !== 'string' || content.trim() === ''
}

/** User, assistant, user, … behind the system message, leaving aside results and messages with calls. */
function doAlternate(messages: readonly Sent[]): boolean {
  const turns = messages.slice(messages[0] && isSystem(messages[0]) ? 1 : 0)
  const counted = turns.filter(({ role, tool_calls: calls }) => role !== 'tool' && !calls?.length)
  return counted.every(({ role }, index) => role === (index % 2 === 0 ? 'user' : 'assistant'))
}

function hasOtherFields(messages: readonly Sent[]): boolean {
  const fields = new Set(['role', 'content', 'name', 'tool_calls', 'tool_call_id'])
  const callFields = new Set(['id', 'type', 'function'])
  return messages.some(
    (one) =>
      Object.keys(one).some((field) => !fields.has(field)) ||
      one.tool_calls?.some((call) => Object.keys(call).some((field) => !callFields.has(field))),
  )
}
