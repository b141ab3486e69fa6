import fc from 'fast-check'
import type { MessageDraft, MessagePart, Role } from '../../src/memory/message.ts'
import { mixedTexts } from './texts.ts'

const text = mixedTexts(6).map((value) => value.toWellFormed())
const name = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter((value) => !value.includes('\0'))
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 3 })
const providerMetadata = maybe(fc.constantFrom({ cache: true }, ['a', null], 'opaque', 0, null))
const url = fc.webUrl()

const textPart = fc.record({ type: fc.constant('text' as const), text, providerMetadata })
const reasoningPart = fc.record({ type: fc.constant('reasoning' as const), text, providerMetadata })
const filePart = fc.record({
  type: fc.constant('file' as const),
  url,
  mediaType: fc.constantFrom('image/*', 'image/png', 'application/octet-stream', 'application/pdf'),
  filename: maybe(name),
  providerMetadata,
})
const dataPart = fc.record({ type: fc.constant('data' as const), name, data: fc.constantFrom(null, 1, { a: ['b'] }) })
const toolCallPart = fc.record({
  type: fc.constant('toolCall' as const),
  toolCallId: name,
  toolName: name,
  arguments: text,
  providerMetadata,
})
const toolResultPart = fc.record({
  type: fc.constant('toolResult' as const),
  toolCallId: name,
  toolName: maybe(name),
  output: text,
  isError: maybe(fc.boolean()),
  providerMetadata,
})

/** Messages of one role with any parts that it may have, and with all that a message can carry besides. */
export function arbitraryMessage(): fc.Arbitrary<MessageDraft> {
  return fc.constantFrom<Role>('SYSTEM', 'DEVELOPER', 'USER', 'ASSISTANT', 'TOOL').chain((role) =>
    fc
      .record({
        role: fc.constant(role),
        status: fc.constantFrom('COMPLETE' as const, 'COMPLETE' as const, 'INTERRUPTED' as const, 'REDACTED' as const),
        parts: partsOf(role),
        createdAt: fc.integer({ min: 0, max: Date.UTC(9999, 0) }),
        author: maybe(name),
        metadata: maybe(
          fc.dictionary(name, fc.oneof(name, fc.integer(), fc.boolean()), { maxKeys: 2, noNullPrototype: true }),
        ),
        finishReason: maybe(fc.constantFrom('STOP' as const, 'TOOL_CALLS' as const)),
        usage: maybe(fc.constant({ promptTokens: 3, completionTokens: 0, estimated: true })),
        model: maybe(name),
      })
      .map((message) => dropUndefined({ ...message, parts: message.parts.map(dropUndefined) }) as MessageDraft),
  )
}

/** Null stays: it is data. */
function dropUndefined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T
}

function partsOf(role: Role): fc.Arbitrary<MessagePart[]> {
  const plain = text.map((value): MessagePart[] => [{ type: 'text', text: value }])
  const said = [textPart, reasoningPart, filePart, dataPart]
  const any = role === 'ASSISTANT' ? fc.oneof(...said, toolCallPart, toolResultPart) : fc.oneof(...said)
  const all = fc.array(any as fc.Arbitrary<MessagePart>, { minLength: 1, maxLength: 3 })
  if (role !== 'TOOL') return fc.oneof(plain, all)
  return fc
    .tuple(toolResultPart as fc.Arbitrary<MessagePart>, fc.oneof(fc.constant([]), all))
    .map(([first, rest]) => [first, ...rest])
}
