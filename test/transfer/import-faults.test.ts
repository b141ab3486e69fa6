import { expect, test } from 'vitest'
import { startTransferStores, writeTestFile } from '../support/transfer-stores.ts'

const good = { role: 'user', content: 'hello' }
const json = JSON.stringify

/** What is said of a file, and how many conversations it left. */
async function errorsOf(name: string, content: string | Buffer) {
  const stores = await startTransferStores(1_000)
  const { errors } = await stores.importFile(await writeTestFile(name, content))
  return { errors, stored: (await stores.readAll()).length }
}

test.each([
  [
    'a message without a role',
    { content: 'x' },
    'messages[1].role must be one of system, developer, user, assistant, tool, function; got nothing.',
  ],
  [
    'an unknown role',
    { role: 'bot', content: 'x' },
    'messages[1].role must be one of system, developer, user, assistant, tool, function; got "bot".',
  ],
  ['a message that is no object', 'x', 'messages[1] must be an object; got "x".'],
  [
    'content of another type',
    { role: 'user', content: 7 },
    'messages[1].content must be a string or a list of parts; got 7.',
  ],
  [
    'no content',
    { role: 'assistant', content: null },
    'messages[1].content must be a string or a list of parts; got null.',
  ],
  ['an empty list of parts', { role: 'user', content: [] }, 'messages[1].parts must be from 1 to 100 parts; got 0.'],
  [
    'an unknown part',
    { role: 'user', content: [{ type: 'input_audio' }] },
    'messages[1].content[0].type must be one of text, refusal, image_url, file; got "input_audio".',
  ],
  [
    'an image within the text',
    { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
    'messages[1].content[0].image_url.url must be an http or https URL (files within the text are not kept); got "data:image/png;base64,AAAA".',
  ],
  [
    'a result without its call',
    { role: 'tool', content: 'x' },
    'messages[1].tool_call_id must be a string; got nothing.',
  ],
  [
    'calls of another type',
    { role: 'assistant', tool_calls: [{ id: 'a', type: 'custom' }] },
    'messages[1].tool_calls[0].type must be one of function; got "custom".',
  ],
  [
    'calls by a user',
    { role: 'user', content: '', tool_calls: [{ id: 'a', function: { name: 'f', arguments: '' } }] },
    'messages[1].role must be ASSISTANT when a part is a tool call; got USER.',
  ],
  [
    'a time that is none',
    { role: 'user', content: 'x', createdAt: 'Tuesday' },
    'messages[1].createdAt must be a date (ISO 8601, or since 1970); got "Tuesday".',
  ],
  [
    'a message over the limit',
    { role: 'user', content: 'x'.repeat(1_001) },
    'messages[1] must be at most 1000 bytes; got 1001 bytes.',
  ],
  [
    'an id that was there',
    { role: 'user', content: 'x', backscroll: { id: '0' } },
    'messages[1].backscroll.id must be unlike every other in the conversation; got "0".',
  ],
  [
    'half of a surrogate pair',
    { role: 'user', content: '\ud83d' },
    'messages[1].parts[0].text must be well-formed Unicode; got half of a surrogate pair.',
  ],
])('%s is named with its place, and nothing of its conversation is stored', async (_, message, error) => {
  const lines = [{ messages: [good] }, { messages: [good, message] }, { messages: [good, good] }]
  expect(await errorsOf('a.jsonl', lines.map((line) => json(line)).join('\n'))).toEqual({
    errors: [`line 2: ${error}`],
    stored: 2,
  })
})

test.each([
  [
    'another shape',
    { text: 'x', label: 1 },
    'the conversation must be an object with `messages`; got one with the fields [text, label].',
  ],
  ['no object', 3, 'the conversation must be an object; got 3.'],
  ['messages that are no list', { messages: {} }, 'messages must be a list; got {}.'],
  ['an id of another type', { id: {}, messages: [] }, 'id must be a string; got {}.'],
  ['a title of another type', { title: 3, messages: [] }, 'title must be a string; got 3.'],
  [
    'an unknown encoding',
    { backscroll: { encoding: 'x' }, messages: [] },
    'encoding must be one of o200k_base, o200k_harmony, cl100k_base, p50k_base, p50k_edit, r50k_base, gpt2; got "x".',
  ],
  ['an id that was there', { id: 'one', messages: [good] }, 'id must be unlike every other in the file; got "one".'],
])('%s is named with its place in an array', async (_, value, error) => {
  const conversations = [{ id: 'one', messages: [good] }, value, { id: 'two', messages: [good] }]
  expect(await errorsOf('a.json', json(conversations))).toEqual({ errors: [`[1]: ${error}`], stored: 2 })
})

test('a message by itself on a line of JSONL is no conversation', async () => {
  const { errors } = await errorsOf('a.jsonl', json(good))
  expect(errors).toEqual(['line 1: the conversation must be an object with `messages`; got a message by itself.'])
})

test('a line that is no JSON does not keep the others away', async () => {
  const { errors, stored } = await errorsOf('a.jsonl', `{"messages":[]}\n{"messages":\n${json({ messages: [good] })}`)
  expect(errors).toEqual([expect.stringMatching(/^line 2: no JSON: /)])
  expect(stored).toBe(2)
})

test('an array that breaks off is told with the last place that was read', async () => {
  const { errors, stored } = await errorsOf('a.json', `[${json({ messages: [good] })},{"messages":[`)
  expect(errors).toEqual([expect.stringMatching(/^the file: no JSON from \[1\] on: /)])
  expect(stored).toBe(1)
})

test('what is no UTF-8 or no JSON at all is told as such', async () => {
  const latin = Buffer.from('{"messages":[{"role":"user","content":"caf\xe9"}]}', 'latin1')
  expect((await errorsOf('a.jsonl', latin)).errors).toEqual(['the file: not UTF-8 after 0 bytes'])
  expect((await errorsOf('a.json', latin)).errors).toEqual(['the file: not UTF-8 after 0 bytes'])
  expect((await errorsOf('a.csv', 'role,content')).errors).toEqual([
    'the file: neither JSON nor JSONL: it begins with "r"',
  ])
})

test('a message that changed since the last import is an error, and one more at the end is stored', async () => {
  const stores = await startTransferStores()
  const conversation = (...contents: string[]) =>
    json([{ id: 'one', messages: contents.map((content) => ({ role: 'user', content })) }])
  await stores.importFile(await writeTestFile('a.json', conversation('a', 'b')))
  const grown = await stores.importFile(await writeTestFile('a.json', conversation('a', 'b', 'c')))
  expect(grown).toMatchObject({ messages: 3, stored: 1, present: 2, refused: 0 })
  const changed = await stores.importFile(await writeTestFile('a.json', conversation('a', 'B', 'c')))
  expect(changed.errors).toEqual(['[0]: clientMessageId "import:1" is stored with other content.'])
})

test('many errors are counted, and the first hundred told', async () => {
  const stores = await startTransferStores()
  const report = await stores.importFile(await writeTestFile('a.jsonl', '3\n'.repeat(250)))
  expect(report.refused).toBe(250)
  expect(report.errors).toHaveLength(100)
})
