import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createNotes, type Note } from '../../src/transfer/notes.ts'
import { splitElements } from '../../src/transfer/read/json-elements.ts'
import { decodeText } from '../../src/transfer/read/read-text.ts'
import { exportedConversation, said } from '../support/chatgpt-export.ts'
import { startTransferStores, writeTestFile } from '../support/transfer-stores.ts'

const WORDS = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']

test.each(WORDS)('%s in the place of any word of a file is a word as any other', async (word) => {
  const stores = await startTransferStores()
  const details = { finish_details: { type: word }, model_slug: word }
  const content = JSON.parse(`{"content_type":${JSON.stringify(word)},${JSON.stringify(word)}:{"a":1}}`)
  const talk = exportedConversation(
    [
      { id: 'a', message: said('assistant', 'Hello', { metadata: details, status: word, recipient: word }) },
      { id: word, parent: 'a', message: said('tool', '', { author: { role: 'tool', name: word }, content }) },
      { id: 'b', parent: word, message: said(word, 'x') },
      { id: 'c', parent: 'b', message: said('user', 'Bye', { content: { content_type: 'text', parts: [content] } }) },
    ],
    { id: word },
  )
  const claude = {
    uuid: word,
    chat_messages: [
      { uuid: word, sender: word },
      { sender: 'human', content: [{ type: word }] },
    ],
  }
  const webui = {
    id: word,
    chat: {
      history: { messages: { [word]: { role: word }, d: { role: 'user', content: 'x', output: [{ type: word }] } } },
    },
  }
  const openai = { id: word, messages: [{ role: word }, { role: 'user', content: [{ type: word, [word]: 'x' }] }] }
  const path = await writeTestFile(
    'a.jsonl',
    [talk, claude, webui, openai].map((each) => JSON.stringify(each)).join('\n'),
  )
  expect(await stores.importFile(path)).toMatchObject({ conversations: 4, refused: 0 })
  const all = await stores.readAll()
  expect(all.flatMap(({ messages }) => messages).every(({ finishReason }) => finishReason === undefined)).toBe(true)
  expect(await stores.importFile(path)).toMatchObject({ stored: 0, refused: 0 })
})

test.each([
  ['a line of one text', 'a.jsonl', `{"messages":[{"role":"user","content":"${'a'.repeat(135_000_000)}"}]}`],
  ['an element of brackets', 'a.json', `[${'[{"a":'.repeat(3_000_000)}1${'}]'.repeat(3_000_000)}]`],
  ['an element of one text', 'a.json', `[{"messages":[{"role":"user","content":"${'a'.repeat(135_000_000)}"}]}]`],
  ['a line of commas', 'a.jsonl', `{"messages":[${'0,'.repeat(5_000_000)}0]}`],
])('%s that is too large is told as such, and ends nothing else', async (_, name, text) => {
  const stores = await startTransferStores()
  const { errors, refused } = await stores.importFile(await writeTestFile(name, text))
  expect(refused).toBe(1)
  expect(errors).toEqual([expect.stringMatching(/longer than 134217728 characters|more than 4000000 commas/)])
})

test.each<[string, string, (bad: string) => string]>([
  ['an element of a list', 'a.json', (bad) => `[${talkText('one')},\n${bad},${talkText('two')}]`],
  ['a line', 'a.jsonl', (bad) => `${talkText('one')}\n${bad}\n${talkText('two')}`],
])('%s that is too large, or no JSON, is left out alone, and what stands behind it is read', async (_, name, write) => {
  for (const [bad, fault] of [
    [`{"mapping":{"a":"${'x'.repeat(135_000_000)}"}}`, /(\[1\]|line 2): longer than 134217728 characters/],
    [`{"mapping":[${'0,'.repeat(5_000_000)}0]}`, /(\[1\]|line 2): more than 4000000 commas/],
    ['{"mapping":{"a":oops}}', /(\[1\]|line 2): no JSON/],
    ['{"a":"[{,:\\"\\\\"}', /(\[1\]|line 2): the conversation/],
  ] as const) {
    const stores = await startTransferStores()
    const report = await stores.importFile(await writeTestFile(name, write(bad)))
    expect(report).toMatchObject({ conversations: 2, stored: 2, refused: 1 })
    expect(report.errors).toEqual([expect.stringMatching(fault)])
  }
})

function talkText(id: string): string {
  return JSON.stringify(exportedConversation([{ id, message: said('user', id) }], { id }))
}

test('the elements of a list are those that JSON.parse finds, however the text is cut', async () => {
  const list = fc.array(fc.jsonValue({ maxDepth: 3 }), { maxLength: 6 })
  const cuts = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(list, cuts, fc.constantFrom(undefined, 1, '\t'), async (values, lengths, indent) => {
      const text = JSON.stringify(values, null, indent)
      async function* cut() {
        for (let at = 0, index = 0; at < text.length; index++) {
          const length = lengths[index % lengths.length] ?? 1
          yield text.slice(at, at + length)
          at += length
        }
      }
      const found: unknown[] = []
      for await (const element of splitElements(cut(), { maxLength: 10_000, maxMarks: 10_000 })) {
        expect(element.index).toBe(found.length)
        found.push('text' in element ? JSON.parse(element.text) : element.error)
      }
      expect(found).toEqual(JSON.parse(text))
    }),
    { numRuns: 1_000 },
  )
})

test('one message that is nested too deeply is left out alone', async () => {
  const stores = await startTransferStores()
  const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`
  const content = { content_type: 'text', parts: ['Hello', 'DEEP'] }
  const talk = exportedConversation([
    { id: 'a', message: said('user', 'One?') },
    { id: 'b', parent: 'a', message: said('user', '', { content }) },
    { id: 'c', parent: 'b', message: said('assistant', 'Yes.') },
  ])
  const path = await writeTestFile('a.json', `[${JSON.stringify(talk).replace('"DEEP"', deep)}]`)
  expect(await stores.importFile(path)).toMatchObject({ conversations: 1, stored: 3, refused: 0, hasLosses: true })
})

test('ids of any length and kind are known again', async () => {
  const stores = await startTransferStores()
  const ids = ['x'.repeat(10_000), '\0', '\ud83d', ' ', '~', 'import:a']
  const lines = ids.map((id) => JSON.stringify({ ...exportedConversation([{ id, message: said('user', 'x') }]), id }))
  const path = await writeTestFile('a.jsonl', lines.join('\n'))
  expect(await stores.importFile(path)).toMatchObject({ conversations: 6, stored: 6, refused: 0 })
  expect(await stores.importFile(path)).toMatchObject({ stored: 0, present: 6, refused: 0 })
})

test('bytes are decoded as those around them whole, however they are cut', async () => {
  const encoder = new TextEncoder()
  const cesu = (text: string) =>
    Buffer.concat(
      [...text].map((character) => {
        const code = character.codePointAt(0) ?? 0
        if (code < 0x10000) return Buffer.from(encoder.encode(character))
        const halves = [0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff)]
        return Buffer.from(halves.flatMap((half) => [0xed, 0x80 | ((half >> 6) & 0x3f), 0x80 | (half & 0x3f)]))
      }),
    )
  const text = fc.string({
    unit: fc.constantFrom('a', 'é', '한', '힣', '퟿', '😂', '\u{10ffff}', '\ufffd'),
    maxLength: 20,
  })
  const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(text, cuts, fc.boolean(), async (given, lengths, isCesu) => {
      const notes: Note[] = []
      const bytes = isCesu ? cesu(given) : Buffer.from(given)
      expect(await readAll(bytes, lengths, notes)).toBe(given)
      expect(notes).toEqual([])
    }),
    { numRuns: 500 },
  )
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 40 }), cuts, async (junk, lengths) => {
      const bytes = Buffer.concat([Buffer.from('"'), junk, Buffer.from('"')])
      const whole = await readAll(bytes, [1_000], [])
      expect(await readAll(bytes, lengths, [])).toBe(whole)
      expect(whole.isWellFormed()).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('junk of any kind ends in a report', async () => {
  const stores = await startTransferStores()
  const json = fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text))
  const junk = fc.oneof(
    json,
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  )
  await fc.assert(
    fc.asyncProperty(junk, fc.constantFrom('a.json', 'a.jsonl', 'a'), async (bytes, name) => {
      const report = await stores.importFile(await writeTestFile(name, bytes))
      expect(report.stored).toBe(0)
    }),
    { numRuns: 300 },
  )
})

async function readAll(bytes: Buffer, lengths: readonly number[], notes: Note[]): Promise<string> {
  async function* cut() {
    for (let at = 0, index = 0; at < bytes.length; index++) {
      const length = lengths[index % lengths.length] ?? 1
      yield bytes.subarray(at, at + length)
      at += length
    }
  }
  const texts: string[] = []
  for await (const text of decodeText(cut(), createNotes(notes))) texts.push(text)
  return texts.join('')
}
