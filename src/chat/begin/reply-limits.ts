import { BadUserInputError } from '../../errors.ts'
import { checkJson } from '../../memory/input/check-json.ts'
import { checkId, checkName } from '../../memory/input/check-text.ts'
import { checkContextRequest, checkNewMessage, type InputLimits } from '../../memory/input/limits.ts'
import type { Json, NewMessage } from '../../memory/message.ts'

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

/** What a reply is made with is not for the options to say. */
const OWN_OPTIONS = ['messages', 'model', 'stream']

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

function checkModelOptions(options: Json): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new BadUserInputError('modelOptions', 'an object', Array.isArray(options) ? 'a list' : typeof options)
  }
  const own = OWN_OPTIONS.find((name) => Object.hasOwn(options, name))
  if (own !== undefined) throw new BadUserInputError('modelOptions', `without ${OWN_OPTIONS.join(', ')}`, own)
  checkJson('modelOptions', options)
}
