import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ZipFile } from 'yazl'
import { contentOf } from '../../src/memory/message.ts'
import { createNotes, type Note } from '../../src/transfer/notes.ts'
import { decodeText } from '../../src/transfer/read/read-text.ts'
import { createDirectory, startTransferStores, writeTestFile } from '../support/transfer-stores.ts'

const talk = (content: string) => JSON.stringify({ messages: [{ role: 'user', content }] })

async function importBytes(name: string, content: string | Buffer) {
  const stores = await startTransferStores()
  const { errors } = await stores.importFile(await writeTestFile(name, content))
  const contents = (await stores.readAll()).flatMap(({ messages }) => messages.map(({ parts }) => contentOf(parts)))
  return { errors, contents: contents.toSorted() }
}

test.each<[string, string, string | Buffer]>([
  ['lines that end in CR', 'a.jsonl', `${talk('one')}\r${talk('two')}\r`],
  ['lines that end in CR, under another name', 'a.json', `${talk('one')}\r${talk('two')}`],
  ['lines that end in CR, LF and both', 'a.jsonl', `${talk('one')}\r\r\n\n${talk('two')}\r\n`],
  ['a list with CR between all', 'a.json', `[\r${talk('one')},\r${talk('two')}\r]\r`],
  ['two byte order marks', 'a.json', `\ufeff\ufeff[${talk('one')},${talk('two')}]`],
  ['two files with marks, put together', 'a.jsonl', `\ufeff${talk('one')}\n\ufeff${talk('two')}\n`],
  ['UTF-16 without a mark', 'a.json', Buffer.from(`[${talk('one')},${talk('two')}]`, 'utf16le')],
  ['UTF-16 of the other order', 'a.jsonl', Buffer.from(`${talk('one')}\n${talk('two')}`, 'utf16le').swap16()],
])('%s are read', async (_, name, content) => {
  expect(await importBytes(name, content)).toEqual({ errors: [], contents: ['one', 'two'] })
})

const utf32 = (text: string, write: 'writeUInt32LE' | 'writeUInt32BE') => {
  const bytes = Buffer.alloc(text.length * 4)
  for (const [index, character] of [...text].entries()) bytes[write](character.codePointAt(0) ?? 0, index * 4)
  return bytes
}

test.each<[string, Buffer, RegExp]>([
  ['UTF-32', utf32(talk('one'), 'writeUInt32LE'), /it is text in UTF-32/],
  ['UTF-32 of the other order', utf32(talk('one'), 'writeUInt32BE'), /it is text in UTF-32/],
  ['UTF-32 with a mark', utf32(`\ufeff${talk('one')}`, 'writeUInt32LE'), /it is text in UTF-32/],
  ['gzip', gzipSync(talk('one')), /it is packed by gzip/],
])('a file in %s is told as such, once', async (_, bytes, words) => {
  const { errors, contents } = await importBytes('a.json', bytes)
  expect({ errors, contents }).toEqual({ errors: [expect.stringMatching(words)], contents: [] })
})

test('a zip by another name is read as a zip, and named in a folder', async () => {
  const folder = await createDirectory()
  const zip = new ZipFile()
  zip.addBuffer(Buffer.from(talk('one')), 'chats.json')
  zip.end()
  await pipeline(zip.outputStream, createWriteStream(join(folder, 'export.json')))
  const stores = await startTransferStores()
  expect(await stores.importFile(join(folder, 'export.json'))).toMatchObject({ stored: 1, refused: 0 })
  const { errors } = await stores.importFile(folder)
  expect(errors).toEqual([expect.stringMatching(/export\.json: it is a zip: give it a name that ends in \.zip/)])
})

test.each([
  ['a word', '{"title":secret}', /line 2: no JSON: a character that cannot stand there, at character 10$/],
  ['a number that is none', '{"secret":NaN}', /no JSON: a character that cannot stand there, at character 11$/],
  ['a line break in a text', '{"title":"secret\tword"}', /no JSON: a line break or another control/],
  ['another end', '{"title":"secret"} secret', /no JSON: more behind its end, at character 20$/],
  ['no end', '{"title":"secret', /no JSON: it breaks off$/],
  ['a long text', `{"a":"${'secret '.repeat(1_000)}",secret:1}`, /at character 7009$/],
  [
    'a text longer than is searched',
    `{"a":["${'secret '.repeat(200_000)}",secret]}`,
    /no JSON: a character that cannot/,
  ],
  ['no conversation', '"secret"', /got a text of 6 characters/],
  ['a list of messages that is none', '{"messages":"secret"}', /no|must be/],
  [
    'a value of another type',
    '{"id":"x","messages":[],"backscroll":{"archivedAt":"secret"}}',
    /archivedAt must be a date/,
  ],
])('what an import says of %s has nothing of what was said', async (_, bad, words) => {
  const { errors } = await importBytes('a.jsonl', `${talk('one')}\n${bad}\n`)
  expect(errors).toEqual([expect.stringMatching(words)])
  expect(errors[0]?.slice(errors[0].indexOf('a.jsonl')).replace(/with the fields .*/, '')).not.toContain('secret')
})

test('the places of bytes that are no UTF-8 are those at which a decoder writes U+FFFD, however they are cut', async () => {
  const bytes = fc.array(
    fc.constantFrom(
      ...['61', 'c3a9', 'ed959c', 'f09f9882', 'eda0bd', 'edb882', 'eda0bdedb882', 'e9', 'f0', 'ff', 'f09f', 'c0'],
    ),
    { maxLength: 12 },
  )
  await fc.assert(
    fc.asyncProperty(bytes, fc.integer({ min: 1, max: 7 }), async (pieces, length) => {
      const given = Buffer.from(['2222', ...pieces].join(''), 'hex')
      const placesOf = async (size: number) => {
        const notes: Note[] = []
        async function* cut() {
          for (let at = 0; at < given.length; at += size) yield given.subarray(at, at + size)
        }
        const texts: string[] = []
        for await (const text of decodeText(cut(), createNotes(notes))) texts.push(text)
        return { text: texts.join(''), places: notes.map(({ place }) => place) }
      }
      const whole = await placesOf(1_000)
      expect(whole.places.length).toBe(whole.text.split('\ufffd').length - 1)
      expect(await placesOf(length)).toEqual(whole)
    }),
    { numRuns: 500 },
  )
})
