import type { DataPart, Json, MessagePart, ReasoningPart, TextPart, ToolCallPart } from '../../memory/message.ts'

/** What a model has said besides its text. */
export interface SaidParts {
  reasoning: string
  /** Whether the thoughts began before the text. */
  isReasoningFirst: boolean
  /** Whole parts, in their order. */
  whole: readonly (ToolCallPart | DataPart)[]
  /** What the provider wants back with the message. */
  state: Json | undefined
}

/**
 * The parts of a reply as its record holds them, beside its text. Where the text is not the first part, or is the
 * second behind thoughts, an empty text part stands in its place; `hasText` says whether there is any text. The
 * provider's state goes with the thoughts, or else with what is there.
 */
export function partsOfReply(
  { reasoning, isReasoningFirst, whole, state }: SaidParts,
  hasText: boolean,
): MessagePart[] {
  const metadata = state === undefined ? {} : { providerMetadata: state }
  const thoughts: ReasoningPart[] = reasoning === '' ? [] : [{ type: 'reasoning', text: reasoning, ...metadata }]
  if (thoughts.length > 0) return [...(hasText && !isReasoningFirst ? [placeOfText()] : []), ...thoughts, ...whole]
  if (state === undefined) return [...whole]
  if (hasText) return [{ ...placeOfText(), ...metadata }, ...whole]
  const [first, ...others] = whole
  if (first === undefined) return [{ type: 'reasoning', text: '', ...metadata }]
  return [{ ...first, providerMetadata: { ...objectOf(state), ...objectOf(first.providerMetadata) } }, ...others]
}

function placeOfText(): TextPart {
  return { type: 'text', text: '' }
}

function objectOf(value: Json | undefined): { [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}
}
