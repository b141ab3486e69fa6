import { expect, test } from 'vitest'
import type { FileBranch } from '../../src/transfer/file-conversation.ts'
import { EXPORTED_TALK, type ExportedNode, exportedConversation, said } from '../support/chatgpt-export.ts'
import { decodeTalk } from '../support/decoded-talk.ts'

/** What is made of the messages, by their nodes. */
function decode(nodes: readonly ExportedNode[]) {
  return byNode(decodeTalk(exportedConversation(nodes)).branches)
}

function byNode(branches: readonly FileBranch[]) {
  const messages = branches.flatMap((branch) => branch.messages)
  return Object.fromEntries(messages.map(({ id, message: { role, parts } }) => [id, { role, parts }]))
}

function decodeOne(role: string, content: object) {
  return decode([{ id: 'a', message: said(role, '', { content }) }]).a?.parts
}

test('tool turns become calls with their results, code as the input of its tool', () => {
  const { run, ran, plot, look, page, dropped } = byNode(decodeTalk({ ...EXPORTED_TALK }).branches)
  expect(run).toEqual({
    role: 'ASSISTANT',
    parts: [{ type: 'toolCall', toolCallId: 'run', toolName: 'python', arguments: '{"input":"n = 42"}' }],
  })
  expect(ran).toEqual({
    role: 'TOOL',
    parts: [{ type: 'toolResult', toolCallId: 'run', toolName: 'python', output: '' }],
  })
  expect(plot).toEqual({
    role: 'ASSISTANT',
    parts: [
      { type: 'toolCall', toolCallId: 'plot', toolName: 'python', arguments: '{}' },
      { type: 'toolResult', toolCallId: 'plot', toolName: 'python', output: 'A plot.' },
      { type: 'data', name: 'image_asset_pointer', data: expect.objectContaining({ width: 64 }) },
    ],
  })
  expect(look?.parts).toEqual([
    { type: 'toolCall', toolCallId: 'look', toolName: 'browser', arguments: '{"query":"n"}' },
  ])
  expect(page).toEqual({
    role: 'TOOL',
    parts: [
      { type: 'toolResult', toolCallId: 'look', toolName: 'browser', output: 'n is 43' },
      { type: 'data', name: 'tether_quote', data: { url: 'https://example.org/n', domain: 'example.org' } },
    ],
  })
  expect(dropped).toEqual({ role: 'ASSISTANT', parts: [{ type: 'text', text: 'n = 44' }] })
})

test('a call that something else follows on one path stays text on all', () => {
  const {
    call,
    out,
    said: other,
  } = decode([
    { id: 'call', message: said('assistant', 'n = 1', { recipient: 'python' }) },
    { id: 'out', parent: 'call', message: said('tool', 'one') },
    { id: 'said', parent: 'call', message: said('user', 'Stop') },
  ])
  expect(call?.parts).toEqual([{ type: 'text', text: 'n = 1' }])
  expect(out?.role).toBe('ASSISTANT')
  expect(out?.parts).toEqual([
    { type: 'toolCall', toolCallId: 'out', toolName: 'tool', arguments: '{}' },
    { type: 'toolResult', toolCallId: 'out', toolName: 'tool', output: 'one' },
  ])
  expect(other?.role).toBe('USER')
})

test('what the app keeps for itself is passed over, and what a system says for all to see is not', () => {
  const hidden = { is_visually_hidden_from_conversation: true }
  const decoded = decode([
    { id: 'weightless', message: said('system', 'a', { weight: 0 }) },
    { id: 'hidden', parent: 'weightless', message: said('system', 'b', { metadata: hidden }) },
    { id: 'empty', parent: 'hidden', message: said('user', '') },
    { id: 'system', parent: 'empty', message: said('system', 'c') },
    { id: 'memory', parent: 'system', message: said('assistant', 'd', { metadata: hidden }) },
    { id: 'profile', parent: 'memory', message: said('user', 'e', { metadata: hidden }) },
  ])
  expect(Object.keys(decoded)).toEqual(['system'])
})

test.each([
  [
    'texts that follow each other',
    { content_type: 'text', parts: ['a', null, 'b', ''] },
    [{ type: 'text', text: 'ab' }],
  ],
  [
    'images between texts',
    { content_type: 'multimodal_text', parts: ['See ', { content_type: 'image_asset_pointer', width: 1 }, '!'] },
    [
      { type: 'text', text: 'See ' },
      { type: 'data', name: 'image_asset_pointer', data: { content_type: 'image_asset_pointer', width: 1 } },
      { type: 'text', text: '!' },
    ],
  ],
  [
    'what was spoken',
    { content_type: 'multimodal_text', parts: [{ content_type: 'audio_transcription', text: 'hello' }] },
    [{ type: 'text', text: 'hello' }],
  ],
  ['code', { content_type: 'code', language: 'python', text: 'n = 1' }, [{ type: 'text', text: 'n = 1' }]],
  [
    'what a page says',
    { content_type: 'tether_browsing_display', result: 'a', summary: 'b', assets: null },
    [
      { type: 'text', text: 'a' },
      { type: 'data', name: 'tether_browsing_display', data: { summary: 'b' } },
    ],
  ],
  [
    'an error',
    { content_type: 'system_error', name: 'Oops', text: 'it broke' },
    [
      { type: 'text', text: 'it broke' },
      { type: 'data', name: 'system_error', data: { name: 'Oops' } },
    ],
  ],
  [
    'thoughts',
    { content_type: 'thoughts', thoughts: [{ summary: 'a', content: 'b' }, { content: 'c' }] },
    [{ type: 'reasoning', text: 'a\n\nb\n\nc' }],
  ],
  ['types to come', { content_type: 'novelty', value: [1] }, [{ type: 'data', name: 'novelty', data: { value: [1] } }]],
])('of a content, nothing is lost: %s', (_, content, parts) => {
  expect(decodeOne('assistant', content)).toEqual(parts)
})

test('models, ends and names are kept', () => {
  const metadata = (type: string) => ({ model_slug: 'gpt-4o', finish_details: { type } })
  const nodes = [
    { id: 'a', message: said('user', 'a', { author: { role: 'user', name: 'ada' }, create_time: null }) },
    { id: 'b', parent: 'a', message: said('assistant', 'b', { metadata: metadata('stop') }) },
    { id: 'c', parent: 'b', message: said('assistant', 'c', { metadata: metadata('max_tokens') }) },
    { id: 'd', parent: 'c', message: said('assistant', 'd', { metadata: metadata('interrupted') }) },
  ]
  const [branch] = decodeTalk(exportedConversation(nodes)).branches
  const createdAt = 1_722_886_412_250
  expect(branch?.messages.map(({ message: { role: _role, parts: _parts, ...rest } }) => rest)).toEqual([
    { status: 'COMPLETE', author: 'ada' },
    { status: 'COMPLETE', createdAt, model: 'gpt-4o', finishReason: 'STOP' },
    { status: 'COMPLETE', createdAt, model: 'gpt-4o', finishReason: 'LENGTH' },
    { status: 'INTERRUPTED', createdAt, model: 'gpt-4o' },
  ])
})
