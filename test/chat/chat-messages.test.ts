import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ChatMessage, toChatMessages } from '../../src/chat/chat-messages.ts'
import type { Message, MessagePart, ToolCallPart } from '../../src/memory/message.ts'
import { chatProblems } from '../support/chat-problems.ts'

test('text goes as it is under the API name of its role', () => {
  const roles = ['SYSTEM', 'DEVELOPER', 'USER', 'ASSISTANT'] as const
  expect(toChatMessages(roles.map((role) => message(role, [text('a'), text('b')])))).toEqual([
    { role: 'system', content: 'ab' },
    { role: 'developer', content: 'ab' },
    { role: 'user', content: 'ab' },
    { role: 'assistant', content: 'ab' },
  ])
})

test('calls go with null content when the model wrote no text, and several results become several messages', () => {
  const calls: MessagePart[] = [
    { type: 'reasoning', text: 'hm' },
    { type: 'toolCall', toolCallId: '1', toolName: 'add', arguments: '{"a":1}' },
    { type: 'toolCall', toolCallId: '2', toolName: 'sub', arguments: '{' },
  ]
  const results: MessagePart[] = [
    { type: 'toolResult', toolCallId: '1', output: 'one' },
    { type: 'toolResult', toolCallId: '2', toolName: 'sub', output: 'two', isError: true },
  ]
  expect(toChatMessages([message('ASSISTANT', calls), message('TOOL', results)])).toEqual([
    {
      role: 'assistant',
      content: null,
      tool_calls: [
        { id: '1', type: 'function', function: { name: 'add', arguments: '{"a":1}' } },
        { id: '2', type: 'function', function: { name: 'sub', arguments: '{}' } },
      ],
    },
    { role: 'tool', tool_call_id: '1', content: 'one' },
    { role: 'tool', tool_call_id: '2', content: 'two' },
  ])
})

test('results that others wrote before, or in another order, stand behind their calls in the order of these', () => {
  const chat = toChatMessages([
    message('ASSISTANT', [call('1'), call('2')]),
    message('TOOL', [result('2', 'two')]),
    message('USER', [text('wait')]),
    message('TOOL', [result('1', 'one')]),
  ])
  expect(outline(chat)).toEqual(['calls 1,2', '1=one', '2=two', 'user'])
})

test('a call without a result gets one that says so, also at the end', () => {
  const chat = toChatMessages([
    message('ASSISTANT', [call('1')]),
    message('USER', [text('go on')]),
    message('ASSISTANT', [call('2'), call('3')]),
    message('TOOL', [result('3', 'three')]),
  ])
  expect(outline(chat)).toEqual(['calls 1', '1=[no result]', 'user', 'calls 2,3', '2=[no result]', '3=three'])
})

test('an id that repeats means its newest call, and the newest of several results counts', () => {
  const chat = toChatMessages([
    message('ASSISTANT', [call('call_0')]),
    message('TOOL', [result('call_0', 'first')]),
    message('TOOL', [result('call_0', 'first, again')]),
    message('ASSISTANT', [call('call_0')]),
    message('TOOL', [result('call_0', 'second')]),
  ])
  expect(outline(chat)).toEqual(['calls call_0', 'call_0=first, again', 'calls call_0_2', 'call_0_2=second'])
})

test('an id that one message has twice is two calls, and results go to them in their order', () => {
  const twice = message('ASSISTANT', [call('call_0'), call('call_0')])
  const pairs = ['calls call_0,call_0_2', 'call_0=one', 'call_0_2=two']
  const apart = [twice, message('TOOL', [result('call_0', 'one')]), message('TOOL', [result('call_0', 'two')])]
  expect(outline(toChatMessages(apart))).toEqual(pairs)
  const together = [twice, message('TOOL', [result('call_0', 'one'), result('call_0', 'two')])]
  expect(outline(toChatMessages(together))).toEqual(pairs)
  const within = [call('call_0'), result('call_0', 'one'), call('call_0'), result('call_0', 'two')]
  expect(outline(toChatMessages([message('ASSISTANT', within)]))).toEqual(pairs)
  const again = [...apart, message('TOOL', [result('call_0', 'one, again'), result('call_0', 'two, again')])]
  expect(outline(toChatMessages(again)).slice(1)).toEqual(['call_0=one, again', 'call_0_2=two, again'])
  const later = [...together, message('ASSISTANT', [call('call_0')]), message('TOOL', [result('call_0', 'three')])]
  expect(outline(toChatMessages(later))).toEqual([...pairs, 'calls call_0_3', 'call_0_3=three'])
})

test('an id that repeats is not written as one that is another call’s own', () => {
  const calls = ['a', 'a_2', 'a', 'a_2', 'a', 'a_2_2'].map((id) => call(id))
  const results = ['1', '2', '3', '4', '5', '6']
  const turns = calls.flatMap((one, index) => [
    message('ASSISTANT', [one]),
    message('TOOL', [result(one.toolCallId, results[index] ?? '')]),
  ])
  const chat = toChatMessages(turns)
  expect(chatProblems(chat)).toEqual([])
  const sent = chat.flatMap((one) => (one.role === 'tool' ? [one] : []))
  expect(sent.map(({ content }) => content)).toEqual(results)
  expect(new Set(sent.map(({ tool_call_id: id }) => id)).size).toBe(results.length)
})

test('many calls under one id are written as fast as many under their own', () => {
  const turns = Array.from({ length: 200 }, () => message('ASSISTANT', Array<MessagePart>(500).fill(call('a'))))
  const chat = toChatMessages(turns)
  expect(new Set(chat.flatMap((one) => (one.role === 'tool' ? [one.tool_call_id] : []))).size).toBe(100_000)
})

test('a result whose call is not there is left out', () => {
  const chat = toChatMessages([
    message('USER', [text('and?')]),
    message('TOOL', [result('1', 'lost')]),
    message('ASSISTANT', [call('1')]),
    message('TOOL', [result('1', 'one'), result('2', 'lost')]),
  ])
  expect(outline(chat)).toEqual(['user', 'calls 1', '1=one'])
})

test('results among the parts of the message that called count, and so do those of a later one', () => {
  const chat = toChatMessages([
    message('ASSISTANT', [call('1'), result('1', 'one'), call('2'), text('done')]),
    message('ASSISTANT', [text('later'), result('2', 'two')]),
  ])
  expect(outline(chat)).toEqual(['calls 1,2', '1=one', '2=two', 'assistant'])
})

test.each(['', ' ', '{', '{"a":1}}', '1', 'null', '[1]', '"text"'])('arguments that are %j are none', (given) => {
  const [chat] = toChatMessages([message('ASSISTANT', [{ ...call('1'), arguments: given }])])
  expect(chat).toMatchObject({ tool_calls: [{ function: { arguments: '{}' } }] })
})

test('arguments that are an object stay as the model wrote them', () => {
  const [chat] = toChatMessages([message('ASSISTANT', [{ ...call('1'), arguments: ' {"b" : 1.0,\n"a":[]}' }])])
  expect(chat).toMatchObject({ tool_calls: [{ function: { arguments: ' {"b" : 1.0,\n"a":[]}' } }] })
})

test('any window of any conversation is accepted, and each call has the newest result that is its own', () => {
  fc.assert(
    fc.property(fc.array(anyMessage, { maxLength: 30 }), fc.nat(30), (messages, begin) => {
      const window = messages.slice(begin)
      const chat = toChatMessages(window)
      expect(chatProblems(chat)).toEqual([])
      const sent = chat.flatMap((one) => (one.role === 'tool' ? [one] : []))
      expect(sent.map(({ content }) => content)).toEqual(slowResults(window))
      expect(new Set(sent.map(({ tool_call_id: id }) => id)).size).toBe(sent.length)
      expect(chat.filter(({ role }) => role !== 'tool')).toHaveLength(window.filter(saysSomething).length)
    }),
    { numRuns: 2_000 },
  )
})

/** What servers must be sent of it: text, files of a user, calls, or that it was redacted. */
function saysSomething({ role, status, parts }: Message): boolean {
  if (role === 'TOOL') return false
  const isSent = (part: MessagePart) =>
    (part.type === 'text' && part.text.trim() !== '') ||
    (part.type === 'file' && role === 'USER') ||
    (part.type === 'toolCall' && role === 'ASSISTANT')
  return status === 'REDACTED' || parts.some(isSent)
}

test('files of the user go by URL, images as images', () => {
  const parts: MessagePart[] = [
    text('look'),
    { type: 'file', url: 'https://example.com/a.png', mediaType: 'image/png' },
    { type: 'file', url: 'https://example.com/a.pdf', mediaType: 'application/pdf', filename: 'a.pdf' },
  ]
  expect(toChatMessages([message('USER', parts)])).toEqual([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'look' },
        { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
        { type: 'file', file: { file_data: 'https://example.com/a.pdf', filename: 'a.pdf' } },
      ],
    },
  ])
})

test('reasoning and data are left out, also when nothing else is there', () => {
  const parts: MessagePart[] = [
    { type: 'reasoning', text: 'hm' },
    { type: 'data', name: 'chart', data: [1] },
  ]
  expect(toChatMessages([message('ASSISTANT', parts)])).toEqual([])
})

test('an author becomes a name that the API takes', () => {
  expect(toChatMessages([{ ...message('USER', [text('x')]), author: 'Ann <a/b>' }])).toEqual([
    { role: 'user', content: 'x', name: 'Ann__a_b_' },
  ])
})

test('what was redacted says so and keeps its calls and results', () => {
  const redacted = { status: 'REDACTED' as const }
  const call: MessagePart = { type: 'toolCall', toolCallId: '1', toolName: 'add', arguments: '{"secret":1}' }
  const result: MessagePart = { type: 'toolResult', toolCallId: '1', output: 'secret' }
  const chat = toChatMessages([
    { ...message('USER', [text('secret')]), ...redacted },
    { ...message('ASSISTANT', [text('secret'), call]), ...redacted },
    { ...message('TOOL', [result]), ...redacted },
    { ...message('ASSISTANT', []), ...redacted },
  ])
  expect(JSON.stringify(chat)).not.toContain('secret')
  expect(chat).toEqual([
    { role: 'user', content: '[redacted]' },
    {
      role: 'assistant',
      content: '[redacted]',
      tool_calls: [{ id: '1', type: 'function', function: { name: 'add', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: '1', content: '[redacted]' },
    { role: 'assistant', content: '[redacted]' },
  ])
})

test('a question that says nothing which can be sent is asked all the same', () => {
  expect(toChatMessages([message('USER', [text('   ')])])).toEqual([{ role: 'user', content: '[no text]' }])
})

test('thoughts in tags at the beginning of an answer are left out, and tags elsewhere stay', () => {
  const sent = (said: string) => toChatMessages([message('ASSISTANT', [text(said)])])
  expect(sent('<think>\nhm</think>\n\n42')).toEqual([{ role: 'assistant', content: '42' }])
  expect(sent('<think>hm</think>')).toEqual([])
  expect(sent('Write <think>hm</think>')).toEqual([{ role: 'assistant', content: 'Write <think>hm</think>' }])
})

test('what a provider wants back goes to the provider and model that gave it, and to no other', () => {
  const state = { provider: 'a', reasoning: 'reasoning_content', message: { reasoning_details: [{ data: 'x' }] } }
  const parts: MessagePart[] = [
    { type: 'reasoning', text: 'Look.', providerMetadata: state },
    { ...call('1'), providerMetadata: { provider: 'a', call: { extra_content: { signature: 'y' } } } },
  ]
  const answer = { ...message('ASSISTANT', parts), model: 'm' }
  expect(toChatMessages([answer], { model: 'm', provider: 'a' })[0]).toMatchObject({
    reasoning_content: 'Look.',
    reasoning_details: [{ data: 'x' }],
    tool_calls: [{ id: '1', extra_content: { signature: 'y' } }],
  })
  const others = [{ model: 'n', provider: 'a' }, { model: 'm', provider: 'b' }, { model: 'm' }, {}]
  for (const other of others) {
    expect(chatProblems(toChatMessages([answer], other))).toEqual([])
    expect(JSON.stringify(toChatMessages([answer], other))).not.toMatch(/reasoning|extra_content/)
  }
  const redacted = { ...answer, status: 'REDACTED' as const }
  expect(JSON.stringify(toChatMessages([redacted], { model: 'm', provider: 'a' }))).not.toMatch(/Look|extra_content/)
})

const ids = fc.constantFrom('call_0', 'call_1', 'call_2')
const anyResult = fc.tuple(ids, fc.string()).map(([id, output]) => result(id, output))
const anyMessage: fc.Arbitrary<Message> = fc.oneof(
  fc.constantFrom('USER' as const, 'SYSTEM' as const, 'DEVELOPER' as const).map((role) => message(role, [text('hi')])),
  fc.array(anyResult, { minLength: 1, maxLength: 3 }).map((parts) => message('TOOL', parts)),
  fc
    .tuple(fc.array(ids, { maxLength: 3 }), fc.array(anyResult, { maxLength: 2 }), fc.boolean())
    .map(([called, results, isFirst]) => {
      const calls = called.map((id) => call(id))
      return message('ASSISTANT', isFirst ? [...results, ...calls] : [...calls, ...results])
    }),
)

/** For every call, the results up to the next message that calls by its id are dealt out to the calls of that id. */
function slowResults(messages: readonly Message[]): string[] {
  const parts = messages.flatMap((one, at) => one.parts.map((part) => ({ part, at })))
  return parts.flatMap(({ part, at }, index) => {
    if (part.type !== 'toolCall') return []
    const isCall = (other: MessagePart) => other.type === 'toolCall' && other.toolCallId === part.toolCallId
    const end = parts.findIndex((other) => other.at > at && isCall(other.part))
    const twins = parts.filter((other) => other.at === at && isCall(other.part))
    const outputs = twins.map(() => '[no result]')
    const begun = new Set<number>()
    let results = 0
    for (const [place, other] of parts.slice(0, end < 0 ? undefined : end).entries()) {
      if (twins.includes(other)) begun.add(place)
      const { part: given } = other
      if (begun.size === 0 || given.type !== 'toolResult' || given.toolCallId !== part.toolCallId) continue
      outputs[results % begun.size] = given.output.trim() === '' ? '[empty result]' : given.output
      results += 1
    }
    return [outputs[twins.findIndex((twin) => parts.indexOf(twin) === index)] ?? '']
  })
}

function outline(chat: readonly ChatMessage[]): string[] {
  return chat.map((one) => {
    if (one.role === 'tool') return `${one.tool_call_id}=${one.content}`
    const calls = one.role === 'assistant' ? (one.tool_calls ?? []) : []
    return calls.length > 0 ? `calls ${calls.map(({ id }) => id)}` : one.role
  })
}

function call(toolCallId: string): ToolCallPart {
  return { type: 'toolCall', toolCallId, toolName: 'look', arguments: '{}' }
}

function result(toolCallId: string, output: string): MessagePart {
  return { type: 'toolResult', toolCallId, output }
}

function text(value: string): MessagePart {
  return { type: 'text', text: value }
}

function message(role: Message['role'], parts: MessagePart[]): Message {
  const place = { branch: '0', sequence: 1, tokens: 5, tokenStart: 0 }
  return { id: 'msg', conversationId: 'conv', role, parts, status: 'COMPLETE', createdAt: 0, ...place }
}
