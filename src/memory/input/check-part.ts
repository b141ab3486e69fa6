import { BadUserInputError } from '../../errors.ts'
import type { Json, MessagePart } from '../message.ts'
import { checkJson } from './check-json.ts'
import { checkId, checkName, checkText, MAX_ID_LENGTH, MAX_NAME_LENGTH } from './check-text.ts'

const MAX_URL_LENGTH = 8_192

/** Throws BadUserInputError unless the part can be stored; its bytes are the message's to bound. */
export function checkPart(field: string, part: MessagePart): void {
  if (part.providerMetadata !== undefined) checkJson(`${field}.providerMetadata`, part.providerMetadata)
  if (part.type === 'text' || part.type === 'reasoning') {
    checkWhole(`${field}.text`, part.text)
  } else if (part.type === 'toolCall') {
    checkId(`${field}.toolCallId`, part.toolCallId)
    checkName(`${field}.toolName`, part.toolName)
    checkWhole(`${field}.arguments`, part.arguments)
  } else if (part.type === 'toolResult') {
    checkId(`${field}.toolCallId`, part.toolCallId)
    if (part.toolName !== undefined) checkName(`${field}.toolName`, part.toolName)
    checkWhole(`${field}.output`, part.output)
  } else if (part.type === 'file') {
    checkUrl(`${field}.url`, part.url)
    checkText(`${field}.mediaType`, part.mediaType, 3, MAX_NAME_LENGTH)
    if (part.filename !== undefined) checkText(`${field}.filename`, part.filename, 1, MAX_ID_LENGTH)
  } else {
    checkName(`${field}.name`, part.name)
    checkJson(`${field}.data`, part.data)
  }
}

/** Text whose length the message's bytes bound. */
function checkWhole(field: string, text: string): void {
  checkText(field, text, 0, Number.POSITIVE_INFINITY, 'NUL')
}

/** Only what is fetched over the web: a `data:` URL would be content in disguise, `javascript:` an attack. */
function checkUrl(field: string, url: string): void {
  checkText(field, url, 1, MAX_URL_LENGTH)
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) {
    throw new BadUserInputError(field, 'an absolute http or https URL', JSON.stringify(url.slice(0, 64)))
  }
}

/** The bytes of UTF-8 that the values of parts take. */
export function bytesOfParts(parts: readonly MessagePart[]): number {
  return parts.reduce((sum, part) => sum + partBytes(part), 0)
}

function partBytes(part: MessagePart): number {
  const { type: _, ...values } = part
  return Object.values(values).reduce<number>((sum, value) => sum + jsonBytes(value), 0)
}

function jsonBytes(value: Json | undefined): number {
  if (value === undefined) return 0
  return Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value))
}
