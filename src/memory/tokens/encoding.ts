import type { EncodingName } from 'gpt-tokenizer/mapping'

/*
 * The tokenizer's encodings, each with the one that splits and merges text alike: they differ in special
 * tokens only, and those are plain text to us. Only the types of the library are imported here, so that
 * validating a name does not load it.
 */
const ENCODINGS = {
  o200k_base: 'o200k_base',
  o200k_harmony: 'o200k_base',
  cl100k_base: 'cl100k_base',
  p50k_base: 'p50k_base',
  p50k_edit: 'p50k_base',
  r50k_base: 'r50k_base',
  gpt2: 'r50k_base',
} as const satisfies Record<EncodingName, EncodingName>

/** The name of a tokenizer's encoding that messages can be counted with. */
export type Encoding = keyof typeof ENCODINGS

/** The encoding of a conversation that does not say otherwise. */
export const DEFAULT_ENCODING: Encoding = 'o200k_base'

/** Every encoding, for messages that name what is allowed. */
export const ENCODING_NAMES: readonly Encoding[] = Object.keys(ENCODINGS).filter(isEncoding)

/** Whether messages can be counted with the encoding of this name. */
export function isEncoding(name: string): name is Encoding {
  return Object.hasOwn(ENCODINGS, name)
}

/** The encoding that counts every text as this one does: one loaded vocabulary serves both. */
export function canonicalEncoding(encoding: Encoding): Encoding {
  return ENCODINGS[encoding]
}
