import { expect, test } from 'vitest'
import { contentOf } from '../../src/memory/message.ts'
import { createNotes, type Note } from '../../src/transfer/notes.ts'
import { repairOwnMessage } from '../../src/transfer/repair-message.ts'
import { startTransferStores, writeTestFile } from '../support/transfer-stores.ts'

const good = { role: 'user', content: 'hello' }
const json = JSON.stringify

/** What is said of a file, and how many conversations it left. */
async function reportOf(name: string, content: string | Buffer) {
  const stores = await startTransferStores(1_000)
  const { errors, notes } = await stores.importFile(await writeTestFile(name, content))
  const all = await stores.readAll()
  const said = errors.map((error) => error.slice(error.indexOf(`${name}: `) + name.length + 2))
  const places = notes.map((note) => note.places)
  return { errors: said, notes: notes.map(({ what }) => what), places, stored: all.length, all }
}

test.each([
  ['a message without a role', { content: 'x' }, 'a message whose role is not one of system'],
  ['an unknown role', { role: 'bot', content: 'x' }, 'a message whose role is not one of system'],
  ['a message that is no object', 'x', 'a message whose role is not one of system'],
  ['content of another type', { role: 'user', content: 7 }, 'content that is neither text nor a list'],
  ['no content', { role: 'assistant', content: null }, 'a message that says nothing'],
  ['an empty list of parts', { role: 'user', content: [] }, 'a message that says nothing'],
  ['a message over the limit', { role: 'user', content: 'x'.repeat(1_001) }, 'a message over 1000 bytes'],
])('%s is left out alone, and named', async (_, message, what) => {
  const { errors, notes, stored, all } = await reportOf('a.jsonl', json({ messages: [good, message, good] }))
  expect({ errors, stored }).toEqual({ errors: [], stored: 1 })
  expect(notes).toContainEqual(expect.stringContaining(what))
  expect(all[0]?.messages.map(({ clientMessageId }) => clientMessageId)).toEqual(['import:0', 'import:2'])
})

test.each([
  [
    'an unknown part',
    { role: 'user', content: [{ type: 'novelty', value: 1 }] },
    { parts: [{ type: 'data', name: 'novelty', data: { type: 'novelty', value: 1 } }] },
    'content that is neither text nor a file with a web address',
  ],
  [
    'a result without its call',
    { role: 'tool', content: 'x' },
    { role: 'TOOL', parts: [{ type: 'toolResult', toolCallId: 'messages[1]', output: 'x' }] },
    'without the id of its call',
  ],
  [
    'calls by a user',
    { role: 'user', content: 'x', tool_calls: [{ id: 'a', function: { name: 'f', arguments: '' } }] },
    {
      role: 'USER',
      parts: [
        { type: 'text', text: 'x' },
        { type: 'data', name: 'tool_call' },
      ],
    },
    'a call of a tool by somebody else than the model',
  ],
  [
    'a time that is none',
    { role: 'user', content: 'x', createdAt: 'Tuesday' },
    { parts: [{ text: 'x' }] },
    'a time that is none',
  ],
  [
    'an id that was there',
    { role: 'user', content: 'x', backscroll: { id: '0' } },
    { clientMessageId: 'import:#1' },
    'an id of a message that is there twice',
  ],
  [
    'half of a surrogate pair',
    { role: 'user', content: '\ud83d', name: 'a\udc00' },
    { author: 'a\ufffd', parts: [{ text: '\ufffd' }] },
    'half of a surrogate pair',
  ],
  [
    'names over their limits',
    { role: 'user', content: 'x', name: 'n'.repeat(200) },
    { author: 'n'.repeat(128), parts: [{ text: 'x' }] },
    'a name over the limit',
  ],
])('%s is kept as far as it can be, and named', async (_, message, kept, what) => {
  const { errors, notes, all } = await reportOf('a.jsonl', json({ messages: [good, message] }))
  expect(errors).toEqual([])
  expect(notes).toEqual([expect.stringContaining(what)])
  expect(all[0]?.messages[1]).toMatchObject(kept)
})

test.each([
  [
    'another shape',
    { text: 'x', label: 1 },
    'the conversation must be of a format that is known (Backscroll, ChatGPT, Claude, Open WebUI, chat completions); got an object with the fields [text, label].',
  ],
  [
    'no object',
    3,
    'the conversation must be of a format that is known (Backscroll, ChatGPT, Claude, Open WebUI, chat completions); got 3.',
  ],
  [
    'nothing but messages that cannot be read',
    { messages: [{ role: 'bot' }] },
    'nothing of it can be read: [1].messages[0]: a message whose role is not one of system, developer, user, assistant, tool, function: left out',
  ],
  [
    'an unknown encoding',
    { backscroll: { encoding: 'x' }, messages: [] },
    'encoding must be one of o200k_base, o200k_harmony, cl100k_base, p50k_base, p50k_edit, r50k_base, gpt2; got "x".',
  ],
  [
    'an id that was there',
    { id: 'one', messages: [good, good] },
    'id must be unlike every other in the file; got "one".',
  ],
])('%s is named with its place in an array', async (_, value, error) => {
  const conversations = [{ id: 'one', messages: [good] }, value, { id: 'two', messages: [good] }]
  const { errors, stored } = await reportOf('a.json', json(conversations))
  expect({ errors, stored }).toEqual({ errors: [`[1]: ${error}`], stored: 2 })
})

test.each([
  ['lines', 'a.jsonl', '\n', ''],
  ['a list', 'a.json', ',', '[]'],
])(
  'a conversation that stands in %s twice is there already',
  async (_, name, between, [open = '', close = ''] = '') => {
    const talk = json({ id: 'one', title: 'T', messages: [good] })
    const { errors, notes, stored } = await reportOf(name, [open, [talk, talk].join(between), close].join(''))
    expect({ errors, stored }).toEqual({ errors: [], stored: 1 })
    expect(notes).toEqual(['a conversation that stands in the file twice: there already'])
  },
)

test('a message of an own export that no store takes is not told to be over a setting', () => {
  const notes: Note[] = []
  const message = { role: 'ASSISTANT', status: 'COMPLETE', parts: [{ type: 'text', text: 'x'.repeat(101) }] } as const
  expect(repairOwnMessage({ ...message, parts: [...message.parts] }, '', createNotes(notes), 100)).toBeUndefined()
  expect(notes.map(({ what }) => what)).toEqual([
    'a message over 100 bytes, too large for what a store takes, whatever MAX_MESSAGE_BYTES is: left out',
  ])
})

test('ids and titles of other types are left out', async () => {
  const { errors, all } = await reportOf('a.json', json([{ id: {}, title: 3, messages: [good] }]))
  expect(errors).toEqual([])
  expect(all[0]?.conversation).not.toHaveProperty('title')
  expect(all[0]?.conversation.externalId).toMatch(/^import:[0-9a-f]{64}$/)
})

test('a message by itself on a line of JSONL is no conversation', async () => {
  const { errors } = await reportOf('a.jsonl', json(good))
  expect(errors).toEqual([expect.stringMatching(/^line 1: .*; got a message by itself\.$/)])
})

test('a line that is no JSON does not keep the others away', async () => {
  const { errors, stored } = await reportOf('a.jsonl', `{"messages":[]}\n{"messages":\n${json({ messages: [good] })}`)
  expect(errors).toEqual(['line 2: no JSON: it breaks off'])
  expect(stored).toBe(2)
})

test('an array that breaks off is told with the last place that was read', async () => {
  const { errors, stored } = await reportOf('a.json', `[${json({ messages: [good] })},{"messages":[`)
  expect(errors).toEqual([expect.stringMatching(/^no JSON from \[1\] on: /)])
  expect(stored).toBe(1)
})

test('bytes that are no UTF-8 are replaced and counted, and what is no JSON at all is told as such', async () => {
  const latin = Buffer.from('{"messages":[{"role":"user","content":"caf\xe9"}]}', 'latin1')
  const { notes, places, all } = await reportOf('a.jsonl', latin)
  expect(notes).toEqual(['bytes that are no UTF-8: U+FFFD in their place'])
  expect(places).toEqual([[expect.stringMatching(/a\.jsonl: behind 42 bytes$/)]])
  expect(all[0]?.messages).toMatchObject([{ parts: [{ text: 'caf\ufffd' }] }])
  expect((await reportOf('a.csv', 'role,content')).errors).toEqual(['neither JSON nor JSONL: it begins with "r"'])
})

test.each(['utf16le', 'utf16be'])('a file in %s is read by its byte order mark', async (encoding) => {
  const bytes = Buffer.from(`\ufeff${json({ messages: [{ role: 'user', content: 'café 😂' }] })}`, 'utf16le')
  const { all } = await reportOf('a.jsonl', encoding === 'utf16le' ? bytes : bytes.swap16())
  expect(all[0]?.messages).toMatchObject([{ parts: [{ text: 'café 😂' }] }])
})

test('a message of a list that changed since the last import is another version, and what follows goes with it', async () => {
  const stores = await startTransferStores()
  const conversation = (...contents: string[]) =>
    json([{ id: 'one', messages: contents.map((content) => ({ role: 'user', content })) }])
  const import_ = async (...contents: string[]) =>
    stores.importFile(await writeTestFile('a.json', conversation(...contents)))
  await import_('a', 'b')
  expect(await import_('a', 'b', 'c')).toMatchObject({ messages: 3, stored: 1, present: 2, refused: 0 })
  expect(await import_('a', 'B', 'c')).toMatchObject({ stored: 2, present: 1, refused: 0 })
  expect(await import_('a', 'B', 'c')).toMatchObject({ stored: 0, present: 3, refused: 0 })
  const [one] = await stores.readAll()
  expect(one?.messages.map(({ parts }) => contentOf(parts))).toEqual(['a', 'B', 'c'])
})

test('many errors are counted, and the first hundred told', async () => {
  const stores = await startTransferStores()
  const report = await stores.importFile(await writeTestFile('a.jsonl', '3\n'.repeat(250)))
  expect(report.refused).toBe(250)
  expect(report.errors).toHaveLength(100)
})
