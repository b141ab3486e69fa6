import type {
  DataPart,
  FilePart,
  MessagePart,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../../memory/message.ts'
import { builder } from '../builder.ts'

const GRAPH_NAMES: Record<MessagePart['type'], string> = {
  text: 'TextPart',
  reasoning: 'ReasoningPart',
  toolCall: 'ToolCallPart',
  toolResult: 'ToolResultPart',
  file: 'FilePart',
  data: 'DataPart',
}

/** The interface of all parts. */
export const MessagePartRef = builder.interfaceRef<MessagePart>('MessagePart').implement({
  description: 'A piece of a message. Ignore types that you do not know: there will be more.',
  resolveType: ({ type }) => GRAPH_NAMES[type],
  fields: (t) => ({
    providerMetadata: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Opaque data of a model provider, kept as it came, for instance the signature of its reasoning.',
      resolve: (part) => part.providerMetadata,
    }),
  }),
})

builder.objectRef<TextPart>('TextPart').implement({
  description: 'Text that somebody wrote.',
  interfaces: [MessagePartRef],
  fields: (t) => ({ text: t.exposeString('text', { description: 'The text.' }) }),
})

builder.objectRef<ReasoningPart>('ReasoningPart').implement({
  description: 'What a model thought before it answered. Left out of `chatMessages`.',
  interfaces: [MessagePartRef],
  fields: (t) => ({ text: t.exposeString('text', { description: 'The thoughts.' }) }),
})

builder.objectRef<ToolCallPart>('ToolCallPart').implement({
  description: "A model's wish to call a tool.",
  interfaces: [MessagePartRef],
  fields: (t) => ({
    toolCallId: t.exposeID('toolCallId', { description: 'Names this call; its result names it too.' }),
    // Nullable as a result's is, so that a client can select both in one query.
    toolName: t.exposeString('toolName', { nullable: true, description: 'The tool; never null in a call.' }),
    arguments: t.exposeString('arguments', {
      description: 'The JSON text exactly as the model wrote it; it may be broken.',
    }),
  }),
})

builder.objectRef<ToolResultPart>('ToolResultPart').implement({
  description: 'What a tool gave back.',
  interfaces: [MessagePartRef],
  fields: (t) => ({
    toolCallId: t.exposeID('toolCallId', { description: 'The call that this answers.' }),
    toolName: t.exposeString('toolName', { nullable: true, description: 'The tool.' }),
    output: t.exposeString('output', { description: 'The result as the text that the model gets to read.' }),
    isError: t.boolean({ description: 'Whether the tool failed.', resolve: ({ isError }) => isError ?? false }),
  }),
})

builder.objectRef<FilePart>('FilePart').implement({
  description: 'A file by its address. Its content is not stored here.',
  interfaces: [MessagePartRef],
  fields: (t) => ({
    url: t.exposeString('url', { description: 'An absolute http or https URL.' }),
    mediaType: t.exposeString('mediaType', {
      description: 'For instance image/png; images are sent to models as such.',
    }),
    filename: t.exposeString('filename', { nullable: true, description: "The file's name." }),
  }),
})

builder.objectRef<DataPart>('DataPart').implement({
  description: "An application's own data beside the text. Left out of `chatMessages`.",
  interfaces: [MessagePartRef],
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What kind of data it is, as the application calls it.' }),
    data: t.field({ type: 'JSON', nullable: true, description: 'The data.', resolve: ({ data }) => data }),
  }),
})
