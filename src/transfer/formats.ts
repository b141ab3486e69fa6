import { BadUserInputError } from '../errors.ts'
import { BACKSCROLL } from './backscroll/backscroll-conversation.ts'
import { CHATGPT } from './chatgpt/chatgpt-conversation.ts'
import { CLAUDE } from './claude/claude-conversation.ts'
import type { DecodeContext, FileConversation, FileFormat } from './file-conversation.ts'
import { isObject, kindOf } from './json-fields.ts'
import { OPEN_WEBUI } from './open-webui/open-webui-conversation.ts'
import { CHAT_COMPLETIONS } from './openai/openai-conversation.ts'

/** Every format that is read; the first one that matches counts. */
export const FORMATS: readonly FileFormat[] = [BACKSCROLL, CHATGPT, CLAUDE, OPEN_WEBUI, CHAT_COMPLETIONS]
const SHOWN_KEYS = 8

/**
 * The conversation that a file's JSON is, in whatever format. Throws BadUserInputError where it is of none that is
 * known, or nothing of it can be read.
 */
export function decodeConversation(value: unknown, context: DecodeContext): FileConversation {
  const format = FORMATS.find(({ matches }) => matches(value))
  if (format === undefined) {
    const names = FORMATS.map(({ name }) => name).join(', ')
    throw new BadUserInputError('the conversation', `of a format that is known (${names})`, shapeOf(value))
  }
  return format.decode(value, context)
}

function shapeOf(value: unknown): string {
  if (!isObject(value)) return kindOf(value)
  if (value.role != null) return 'a message by itself'
  const keys = Object.keys(value).slice(0, SHOWN_KEYS).join(', ').slice(0, 200)
  return `an object with the fields [${keys.toWellFormed()}]`
}
