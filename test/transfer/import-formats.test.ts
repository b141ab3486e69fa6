import { expect, test } from 'vitest'
import { contentOf } from '../../src/memory/message.ts'
import { startTransferStores, writeTestFile } from '../support/transfer-stores.ts'

const hello = { role: 'user', content: 'hello' }
const hi = { role: 'assistant', content: 'hi' }

async function importText(name: string, content: string | Buffer) {
  const stores = await startTransferStores()
  const report = await stores.importFile(await writeTestFile(name, content))
  return { report, all: await stores.readAll() }
}

const json = JSON.stringify

test.each([
  ['a JSON array of conversations', 'a.json', json([{ id: 'one', messages: [hello, hi] }])],
  ['a conversation object over several lines', 'a.json', JSON.stringify({ id: 'one', messages: [hello, hi] }, null, 2)],
  ['a conversation object on one line', 'a.json', json({ id: 'one', messages: [hello, hi] })],
  ['a bare list of messages', 'a.json', json([hello, hi])],
  ['a list of lists of messages', 'a.json', json([[hello, hi]])],
  ['JSONL', 'a.jsonl', `${json({ id: 'one', messages: [hello, hi] })}\n`],
  [
    'JSONL with a byte order mark, empty lines and Windows line ends',
    'a',
    `\ufeff\r\n${json({ messages: [hello, hi] })}\r\n\r\n`,
  ],
  ['JSONL of bare lists', 'a.jsonl', json([hello, hi])],
])('%s is read', async (_, name, content) => {
  const { report, all } = await importText(name, content)
  expect(report).toMatchObject({ conversations: 1, messages: 2, stored: 2, present: 0, refused: 0 })
  expect(all.map(({ messages }) => messages.map(({ role, parts }) => [role, contentOf(parts)]))).toEqual([
    [
      ['USER', 'hello'],
      ['ASSISTANT', 'hi'],
    ],
  ])
})

test('a line separator of Unicode within a text does not end a line of JSONL', async () => {
  const { all } = await importText('a.jsonl', `{"messages":[{"role":"user","content":"a\u2028b\u2029c"}]}\n`)
  expect(all[0]?.messages.map(({ parts }) => contentOf(parts))).toEqual(['a\u2028b\u2029c'])
})

test('times, names, titles and roles are kept', async () => {
  const messages = [
    { role: 'system', content: 'Be brief.', createdAt: '2024-08-05T19:33:32.000Z' },
    { role: 'developer', content: 'In verse.', createdAt: 1_722_886_412 },
    { role: 'user', content: 'hello', name: 'ada', createdAt: 1_722_886_412_000 },
  ]
  const { all } = await importText('a.json', json([{ id: 17, title: 'Verses', messages }]))
  expect(all).toMatchObject([{ conversation: { externalId: 'import:17', title: 'Verses' } }])
  const createdAt = Date.parse('2024-08-05T19:33:32.000Z')
  expect(all[0]?.messages).toMatchObject([
    { role: 'SYSTEM', createdAt, clientMessageId: 'import:0' },
    { role: 'DEVELOPER', createdAt, clientMessageId: 'import:1' },
    { role: 'USER', createdAt, author: 'ada', clientMessageId: 'import:2' },
  ])
})

test('content in parts, tool calls and their results become parts', async () => {
  const image = { type: 'image_url', image_url: { url: 'https://example.org/a.png', detail: 'low' } }
  const file = { type: 'file', file: { file_data: 'https://example.org/a.pdf', filename: 'a.pdf' } }
  const tool_calls = [{ id: 'c1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }]
  const { all } = await importText(
    'a.jsonl',
    json({
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'See ' }, image, file] },
        { role: 'assistant', content: null, tool_calls },
        { role: 'tool', tool_call_id: 'c1', name: 'look', content: [{ type: 'text', text: 'a cat' }] },
        { role: 'assistant', content: null, refusal: 'No.' },
      ],
    }),
  )
  expect(all[0]?.messages.map(({ parts }) => parts)).toEqual([
    [
      { type: 'text', text: 'See ' },
      { type: 'file', url: 'https://example.org/a.png', mediaType: 'image/*' },
      { type: 'file', url: 'https://example.org/a.pdf', mediaType: 'application/octet-stream', filename: 'a.pdf' },
    ],
    [{ type: 'toolCall', toolCallId: 'c1', toolName: 'look', arguments: '{"at":1}' }],
    [{ type: 'toolResult', toolCallId: 'c1', toolName: 'look', output: 'a cat' }],
    [{ type: 'text', text: 'No.' }],
  ])
})

test('calls and results of the older function format find each other', async () => {
  const { all } = await importText(
    'a.json',
    json([
      hello,
      { role: 'assistant', content: null, function_call: { name: 'look', arguments: { at: 1 } } },
      { role: 'function', name: 'look', content: 'a cat' },
    ]),
  )
  expect(all[0]?.messages.slice(1).map(({ role, parts }) => ({ role, parts }))).toEqual([
    {
      role: 'ASSISTANT',
      parts: [{ type: 'toolCall', toolCallId: 'function_call_1', toolName: 'look', arguments: '{"at":1}' }],
    },
    { role: 'TOOL', parts: [{ type: 'toolResult', toolCallId: 'function_call_1', toolName: 'look', output: 'a cat' }] },
  ])
})

test('conversations without ids are known by their content', async () => {
  const stores = await startTransferStores()
  const lines = [json({ messages: [hello] }), json({ messages: [hello, hi] }), json({ messages: [hello] })]
  const path = await writeTestFile('a.jsonl', lines.join('\n'))
  expect(await stores.importFile(path)).toMatchObject({ conversations: 3, messages: 4, stored: 3, present: 1 })
  expect(await stores.importFile(path)).toMatchObject({ conversations: 3, messages: 4, stored: 0, present: 4 })
  expect(await stores.readAll()).toHaveLength(2)
})

test.each(['', ' \r\n\n', '\ufeff'])(
  'an empty file (%j) is named; no lines, as an empty list, are nothing to import',
  async (empty) => {
    const { refused, errors } = (await importText('a.json', empty)).report
    expect({ refused, errors }).toEqual({ refused: 1, errors: [expect.stringMatching(/a\.json: it is empty/)] })
    for (const [name, text] of [
      ['a.jsonl', empty],
      ['a.json', ' []\n'],
    ] as const) {
      expect((await importText(name, text)).report).toMatchObject({ conversations: 0, refused: 0, errors: [] })
    }
  },
)

test('a conversation without an id is known by the digest that older versions of the import knew it by', async () => {
  const stores = await startTransferStores()
  const messages = [
    { role: 'system', content: 'S' },
    { role: 'user', content: 'q', name: 'Ann' },
    {
      role: 'assistant',
      content: '',
      tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f.g', arguments: '{}' } }],
    },
    { role: 'tool', tool_call_id: 'c1', name: 'f.g', content: '' },
    { role: 'assistant', content: 'a' },
  ]
  await stores.importFile(await writeTestFile('a.jsonl', JSON.stringify({ messages })))
  const [{ conversation } = { conversation: undefined }] = await stores.readAll()
  expect(conversation?.externalId).toBe('import:5ea3e3ab848e3b70b0d666e6e0e6eda73faa0e687d6e6c374539e5033a479ad9')
})
