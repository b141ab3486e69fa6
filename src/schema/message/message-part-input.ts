import { BadUserInputError } from '../../errors.ts'
import type { MessagePart } from '../../memory/message.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { builder } from '../builder.ts'

const providerMetadata = { type: 'JSON', description: 'Opaque data of a model provider, kept as it is.' } as const

const TextPartInput = builder.inputType('TextPartInput', {
  description: 'Text.',
  fields: (t) => ({
    text: t.string({ required: true, description: 'The text.' }),
    providerMetadata: t.field(providerMetadata),
  }),
})

const ReasoningPartInput = builder.inputType('ReasoningPartInput', {
  description: 'What a model thought before it answered.',
  fields: (t) => ({
    text: t.string({ required: true, description: 'The thoughts.' }),
    providerMetadata: t.field(providerMetadata),
  }),
})

const ToolCallPartInput = builder.inputType('ToolCallPartInput', {
  description: "A model's wish to call a tool. Only in messages of the ASSISTANT.",
  fields: (t) => ({
    toolCallId: t.id({ required: true, description: 'Names this call; its result names it too. 1 to 256 characters.' }),
    toolName: t.string({ required: true, description: 'The tool. 1 to 128 characters.' }),
    arguments: t.string({ required: true, description: 'The JSON text exactly as the model wrote it.' }),
    providerMetadata: t.field(providerMetadata),
  }),
})

const ToolResultPartInput = builder.inputType('ToolResultPartInput', {
  description: 'What a tool gave back.',
  fields: (t) => ({
    toolCallId: t.id({ required: true, description: 'The call that this answers. 1 to 256 characters.' }),
    toolName: t.string({ description: 'The tool. 1 to 128 characters.' }),
    output: t.string({ required: true, description: 'The result as the text that the model gets to read.' }),
    isError: t.boolean({ description: 'Whether the tool failed.' }),
    providerMetadata: t.field(providerMetadata),
  }),
})

const FilePartInput = builder.inputType('FilePartInput', {
  description: 'A file by its address.',
  fields: (t) => ({
    url: t.string({ required: true, description: 'An absolute http or https URL, at most 8,192 characters.' }),
    mediaType: t.string({ required: true, description: 'For instance image/png.' }),
    filename: t.string({ description: "The file's name. 1 to 256 characters." }),
    providerMetadata: t.field(providerMetadata),
  }),
})

const DataPartInput = builder.inputType('DataPartInput', {
  description: "An application's own data beside the text.",
  fields: (t) => ({
    name: t.string({ required: true, description: 'What kind of data it is. 1 to 128 characters.' }),
    data: t.field({ type: 'JSON', description: 'The data, at most 32 levels deep.' }),
    providerMetadata: t.field(providerMetadata),
  }),
})

/** The input of a message part: exactly one of the fields. */
export const MessagePartInput = builder.inputType('MessagePartInput', {
  description: 'A piece of a message: exactly one of these.',
  isOneOf: true,
  fields: (t) => ({
    text: t.field({ type: TextPartInput, description: 'Text.' }),
    reasoning: t.field({ type: ReasoningPartInput, description: 'What a model thought before it answered.' }),
    toolCall: t.field({ type: ToolCallPartInput, description: "A model's wish to call a tool." }),
    toolResult: t.field({ type: ToolResultPartInput, description: 'What a tool gave back.' }),
    file: t.field({ type: FilePartInput, description: 'A file by its address.' }),
    data: t.field({ type: DataPartInput, description: "An application's own data." }),
  }),
})

/** The content, if any, as the first text part, then the parts. */
export function partsOf(
  content: string | null | undefined,
  parts: readonly (typeof MessagePartInput.$inferInput)[] | null | undefined,
): MessagePart[] {
  const text: MessagePart[] = content == null ? [] : [{ type: 'text', text: content }]
  return [...text, ...(parts ?? []).map(partOf)]
}

function partOf({
  text,
  reasoning,
  toolCall,
  toolResult,
  file,
  data,
}: typeof MessagePartInput.$inferInput): MessagePart {
  if (text != null) return { type: 'text', ...omitUndefined(text) }
  if (reasoning != null) return { type: 'reasoning', ...omitUndefined(reasoning) }
  if (toolCall != null) return { type: 'toolCall', ...omitUndefined(toolCall) }
  if (toolResult != null) return { type: 'toolResult', ...omitUndefined(toolResult) }
  if (file != null) return { type: 'file', ...omitUndefined(file) }
  if (data != null) return { type: 'data', data: null, ...omitUndefined(data) }
  throw new BadUserInputError('parts', 'exactly one kind each', 'none')
}
