import type { Json } from '../../memory/message.ts'

/** A message as it is sent to a chat completions API, of which only the role is known. */
export interface PromptMessage {
  [field: string]: Json
  role: string
}

/** The fields that the API has; others are those of one provider. */
export const MESSAGE_FIELDS: ReadonlySet<string> = new Set(['role', 'content', 'name', 'tool_calls', 'tool_call_id'])
/** The same of a call. */
export const CALL_FIELDS: ReadonlySet<string> = new Set(['id', 'type', 'function'])

/** The calls of a message. */
export function callsOf({ tool_calls: calls }: PromptMessage): { [field: string]: Json }[] {
  return Array.isArray(calls) ? (calls as { [field: string]: Json }[]) : []
}

/** Whether it instructs the model, and is no turn of the conversation. */
export function isSystem({ role }: PromptMessage): boolean {
  return role === 'system' || role === 'developer'
}
