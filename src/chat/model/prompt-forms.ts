import type { Json } from '../../memory/message.ts'
import { shortenIds } from './prompt-ids.ts'
import { CALL_FIELDS, callsOf, isSystem, MESSAGE_FIELDS, type PromptMessage } from './prompt-message.ts'
import { alternateTurns, putSystemFirst, putSystemIntoUser } from './prompt-turns.ts'

/** One way in which a prompt is written otherwise, for a server that does not take it as it is. */
export type PromptForm =
  | 'developer-as-system'
  | 'no-names'
  | 'known-fields'
  | 'text-content'
  | 'system-first'
  | 'no-system'
  | 'roles-alternate'
  | 'short-ids'
  | 'reasoning-with-calls'
  | 'signature-with-calls'
  | 'no-null'
  | 'no-empty'

/** What every server is known to take, whatever it refuses. */
export const STRICTEST_FORMS: readonly PromptForm[] = [
  'developer-as-system',
  'no-names',
  'known-fields',
  'system-first',
  'roles-alternate',
  'short-ids',
  'no-null',
]

/** What is left to try then: the first template of Mistral says only that roles must alternate, of which a system is none. */
export const LAST_FORMS: readonly PromptForm[] = ['no-system']

/** What Google's own documentation gives for calls that another model made. */
const NO_SIGNATURE = 'skip_thought_signature_validator'

/** The messages in these forms; those that are given stay as they are. */
export function writePrompt(messages: readonly Json[], forms: ReadonlySet<PromptForm>): PromptMessage[] {
  const given = messages as PromptMessage[]
  return WRITERS.reduce((written, [form, write]) => (forms.has(form) ? write(written) : written), given)
}

/** The writers in the order in which they follow each other. */
const WRITERS: readonly (readonly [PromptForm, (messages: PromptMessage[]) => PromptMessage[]])[] = [
  ['known-fields', (messages) => messages.map(withKnownFields)],
  ['no-names', (messages) => messages.map(({ name: _, ...message }) => message as PromptMessage)],
  ['developer-as-system', (messages) => messages.map(withoutDeveloper)],
  ['text-content', (messages) => messages.map(withTextContent)],
  ['system-first', putSystemFirst],
  ['no-system', putSystemIntoUser],
  ['roles-alternate', alternateTurns],
  ['short-ids', shortenIds],
  ['reasoning-with-calls', (messages) => messages.map(withReasoning)],
  ['signature-with-calls', (messages) => messages.map(withSignatures)],
  ['no-null', (messages) => messages.map((one) => (one.content === null ? { ...one, content: '' } : one))],
  ['no-empty', (messages) => messages.map(withoutEmptyContent)],
]

/** The forms that the words of a refusal, in small letters, ask for. */
export function promptFormsFor(said: string, messages: Json): PromptForm[] {
  const given = messages as PromptMessage[]
  const forms: PromptForm[] = []
  const saysAny = (...words: string[]) => words.some((word) => said.includes(word))
  if (saysAny('developer')) forms.push('developer-as-system')
  else if (saysAny('system')) forms.push('system-first', ...(isSystemFirst(given) ? (['no-system'] as const) : []))
  if (saysAny(...TURN_WORDS)) forms.push('system-first', 'roles-alternate')
  if (/\bnames?\b/.test(said)) forms.push('no-names')
  if (/\bids?\b|tool_call_id/.test(said)) forms.push('short-ids')
  if (saysAny('signature')) forms.push('signature-with-calls')
  if (saysAny('reasoning', 'thinking') && saysAny(...WANTING_WORDS) && !saysAny(...REFUSING_WORDS)) {
    forms.push('reasoning-with-calls')
  } else if (otherFields(given).some((field) => said.includes(field.toLowerCase()))) forms.push('known-fields')
  if (saysAny('content') && saysAny('string', 'text')) forms.push('text-content')
  if (saysAny('content') && saysAny('null', 'nil', 'none', 'string', 'missing', 'required')) forms.push('no-null')
  if (saysAny('empty', 'blank', 'whitespace')) forms.push('no-empty')
  return forms
}

const TURN_WORDS = ['alternat', 'turns', 'in a row', 'consecutive', 'successive', 'same role', 'first message']
const WANTING_WORDS = ['lack', 'missing', 'must', 'require', 'need', 'want', 'expect', 'back']
const REFUSING_WORDS = ['support', 'unknown', 'recogni', 'permit', 'extra', 'unexpected', 'additional', 'allowed']

/** Whether a refusal is about the messages, and not about how many tokens they have or what they speak of. */
export function isAboutMessages(said: string): boolean {
  if (/token|too (?:long|large)|context|policy|policies|filter|moderat|flagged|safety/.test(said)) return false
  return /message|role|template|jinja|\bturn|conversation|\bcall|content|history/.test(said)
}

function isSystemFirst(messages: readonly PromptMessage[]): boolean {
  return messages.every((message, index) => isSystem(message) === (index === 0))
}

function otherFields(messages: readonly PromptMessage[]): string[] {
  const ofMessages = messages.flatMap(Object.keys).filter((field) => !MESSAGE_FIELDS.has(field))
  const ofCalls = messages
    .flatMap(callsOf)
    .flatMap(Object.keys)
    .filter((field) => !CALL_FIELDS.has(field))
  return [...new Set([...ofMessages, ...ofCalls])]
}

function withKnownFields(message: PromptMessage): PromptMessage {
  const known = Object.entries(message).filter(([field]) => MESSAGE_FIELDS.has(field))
  const calls = callsOf(message).map((call) => {
    return Object.fromEntries(Object.entries(call).filter(([field]) => CALL_FIELDS.has(field)))
  })
  return { ...(Object.fromEntries(known) as PromptMessage), ...(calls.length > 0 && { tool_calls: calls }) }
}

function withoutDeveloper(message: PromptMessage): PromptMessage {
  return message.role === 'developer' ? { ...message, role: 'system' } : message
}

/** Of a list of items their texts; files go by their addresses. */
function withTextContent(message: PromptMessage): PromptMessage {
  const { content } = message
  if (!Array.isArray(content)) return message
  const texts = content.map((item) => {
    const { text, image_url: image, file } = item as { [field: string]: Json }
    return text ?? (image as { url?: Json })?.url ?? (file as { file_data?: Json })?.file_data ?? ''
  })
  return { ...message, content: texts.join('\n') }
}

/** Kimi and DeepSeek want the field beside calls also where nothing was thought. */
function withReasoning(message: PromptMessage): PromptMessage {
  if (callsOf(message).length === 0 || typeof message.reasoning_content === 'string') return message
  return { ...message, reasoning_content: '' }
}

/** Beside calls nothing need be said. */
function withoutEmptyContent(message: PromptMessage): PromptMessage {
  const { content, ...rest } = message
  return callsOf(message).length > 0 && String(content ?? '').trim() === '' ? rest : message
}

function withSignatures(message: PromptMessage): PromptMessage {
  const calls = callsOf(message)
  if (calls.length === 0) return message
  const signature = { extra_content: { google: { thought_signature: NO_SIGNATURE } } }
  return { ...message, tool_calls: calls.map((call) => ('extra_content' in call ? call : { ...call, ...signature })) }
}
