import { BadUserInputError } from '../../errors.ts'
import { checkJson } from '../../memory/input/check-json.ts'
import { checkText } from '../../memory/input/check-text.ts'
import type { Json } from '../../memory/message.ts'

/** What Backscroll says itself, and `n`: of several answers one is kept, and all are paid for. */
const RESERVED = ['messages', 'model', 'n', 'prompt_cache_key', 'stream', 'stream_options']
/** Of JSON in UTF-8: room for more than a hundred described tools, and no more than a turn of the event loop takes. */
const MAX_OPTION_BYTES = 262_144
/** The chat completions API has some forty, servers of one's own a few more. */
const MAX_OPTION_KEYS = 100
const MAX_OPTION_KEY_LENGTH = 64

/** Throws BadUserInputError unless these can be passed on to a model as they are. */
export function checkModelOptions(options: Json): void {
  const field = 'modelOptions'
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new BadUserInputError(field, 'an object', Array.isArray(options) ? 'a list' : typeof options)
  }
  const keys = Object.keys(options)
  if (keys.length > MAX_OPTION_KEYS)
    throw new BadUserInputError(field, `at most ${MAX_OPTION_KEYS} keys`, String(keys.length))
  for (const key of keys) checkText(`${field} keys`, key, 1, MAX_OPTION_KEY_LENGTH)
  const reserved = RESERVED.find((name) => Object.hasOwn(options, name))
  if (reserved !== undefined) throw new BadUserInputError(field, `without ${RESERVED.join(', ')}`, reserved)
  const bytes = Buffer.byteLength(JSON.stringify(options))
  if (bytes > MAX_OPTION_BYTES)
    throw new BadUserInputError(field, `at most ${MAX_OPTION_BYTES} bytes of JSON`, `${bytes} bytes`)
  checkJson(field, options)
}
