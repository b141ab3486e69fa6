/** A message or a call as a chat completions API gets it; anything may be missing. */
export interface SentMessage {
  role: string
  content?: unknown
  name?: unknown
  tool_calls?: SentCall[]
  tool_call_id?: string
  reasoning_content?: unknown
}
interface SentCall {
  id: string
  extra_content?: { google?: { thought_signature?: unknown } }
}

const MESSAGE_FIELDS = new Set(['role', 'content', 'name', 'tool_calls', 'tool_call_id', 'refusal'])
const CALL_FIELDS = new Set(['id', 'type', 'function'])

/** Whether a server with a rule of this name refuses the messages. */
export const REFUSAL_RULES: ReadonlyMap<string, (messages: readonly SentMessage[]) => boolean> = new Map([
  ['no-empty-message', (messages) => messages.some((message) => isEmpty(message) && !message.tool_calls?.length)],
  ['roles-alternate', (messages) => !doRolesAlternate(messages)],
  ['system-first', (messages) => messages.some((message, index) => index > 0 && isSystem(message))],
  ['no-developer', (messages) => messages.some(({ role }) => role === 'developer')],
  ['no-name', (messages) => messages.some((message) => 'name' in message)],
  ['ids-once', (messages) => !isPaired(messages) || hasDouble(callsOf(messages).map(({ id }) => id))],
  ['ids-nine', (messages) => callsOf(messages).some(({ id }) => !/^[a-zA-Z0-9]{9}$/.test(id))],
  [
    'thoughts-with-calls',
    (messages) => messages.some((one) => one.tool_calls && typeof one.reasoning_content !== 'string'),
  ],
  [
    'signature-with-calls',
    (messages) => callsOf(messages).some((call) => call.extra_content?.google?.thought_signature === undefined),
  ],
  [
    'known-fields-only',
    (messages) =>
      messages.some((message) => Object.keys(message).some((field) => !MESSAGE_FIELDS.has(field))) ||
      callsOf(messages).some((call) => Object.keys(call).some((field) => !CALL_FIELDS.has(field))),
  ],
])

/** Whether each call is answered directly behind it, and each result has its call. */
export function isPaired(messages: readonly SentMessage[]): boolean {
  let open = new Set<string>()
  for (const message of messages) {
    if (message.role === 'tool') {
      if (!open.delete(message.tool_call_id ?? '')) return false
    } else {
      if (open.size > 0) return false
      open = new Set(callsOf([message]).map(({ id }) => id))
    }
  }
  return open.size === 0
}

function callsOf(messages: readonly SentMessage[]): SentCall[] {
  return messages.flatMap((message) => message.tool_calls ?? [])
}

function hasDouble(ids: readonly string[]): boolean {
  return new Set(ids).size < ids.length
}

function isEmpty({ content }: SentMessage): boolean {
  if (Array.isArray(content)) return content.length === 0
  return typeof content !== 'string' || content.trim() === ''
}

function isSystem({ role }: SentMessage): boolean {
  return role === 'system' || role === 'developer'
}

function doRolesAlternate(messages: readonly SentMessage[]): boolean {
  const [first] = messages
  const rest = first && isSystem(first) ? messages.slice(1) : messages
  const turns = rest.filter(({ role, tool_calls: calls }) => role !== 'tool' && !calls?.length)
  return turns.every(({ role }, index) => role === (index % 2 === 0 ? 'user' : 'assistant'))
}
