import { createWriteStream } from 'node:fs'
import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { expect, test } from 'vitest'
import { ZipFile } from 'yazl'
import { openSources } from '../../src/transfer/read/source-files.ts'
import { exportedConversation, said } from '../support/chatgpt-export.ts'
import { createDirectory, startTransferStores, writeTestFile } from '../support/transfer-stores.ts'

const talk = (id: string) => exportedConversation([{ id: `${id}-a`, message: said('user', `Hello ${id}`) }], { id })
const shard = (...ids: string[]) => JSON.stringify(ids.map(talk))
/** As ChatGPT sends them now. */
const EXPORT = {
  'conversations-000.json': shard('one', 'two'),
  'conversations-001.json': shard('three'),
  'conversations-010.json': shard('one', 'four'),
  'chat.html': '<html></html>',
  'user.json': '{"id":"user"}',
  'export_manifest.json': '{}',
  'conversations.json.index': '',
}

test('a folder is read shard by shard; a conversation in two of them is one, and other files are named', async () => {
  const folder = await createDirectory()
  for (const [name, text] of Object.entries(EXPORT)) await writeFile(join(folder, name), text)
  const sources = await openSources([folder])
  expect(sources.files.map(({ name }) => basename(name))).toEqual(Object.keys(EXPORT).slice(0, 3))
  expect(sources.skipped.map((name) => basename(name)).toSorted()).toEqual(Object.keys(EXPORT).slice(3).toSorted())
  const stores = await startTransferStores()
  expect(await stores.importFile(folder)).toMatchObject({ conversations: 5, stored: 4, present: 1, refused: 0 })
  expect(await stores.readAll()).toHaveLength(4)
})

test('a zip, files one by one, and a folder of the same all store the same', async () => {
  const folder = await createDirectory()
  const zip = join(folder, 'export.zip')
  await writeZip(zip, EXPORT)
  const stores = await startTransferStores()
  expect(await stores.importFile(zip)).toMatchObject({ stored: 4, present: 1, refused: 0 })
  const files = await Promise.all(
    Object.entries(EXPORT)
      .slice(0, 3)
      .map(([name, text]) => writeTestFile(name, text)),
  )
  expect(await stores.importFile(...files)).toMatchObject({ stored: 0, present: 5, refused: 0 })
})

test('of a folder without an export every file of JSON is read', async () => {
  const folder = await createDirectory()
  await mkdir(join(folder, 'inner'))
  await writeFile(join(folder, 'inner', 'chats.jsonl'), '{"messages":[{"role":"user","content":"hello"}]}')
  await writeFile(join(folder, 'notes.txt'), 'hello')
  const sources = await openSources([folder])
  expect(sources.files.map(({ name }) => basename(name))).toEqual(['chats.jsonl'])
  expect(sources.skipped.map((name) => basename(name))).toEqual(['notes.txt'])
})

test('names that lead out of a zip are shown and never followed', async () => {
  const folder = await createDirectory()
  const zip = join(folder, 'odd.zip')
  await writeZip(zip, { 'aa/conversations.json': shard('one') })
  const bytes = await readFile(zip)
  for (let at = bytes.indexOf('aa/'); at >= 0; at = bytes.indexOf('aa/', at + 1)) bytes.write('../', at)
  await writeFile(zip, bytes)
  const stores = await startTransferStores()
  expect(await stores.importFile(zip)).toMatchObject({ stored: 1, refused: 0 })
})

test('a file in a zip that is longer than the zip says ends there', async () => {
  const zip = join(await createDirectory(), 'bomb.zip')
  await writeZip(zip, { 'conversations.json': `[${' '.repeat(2_000_000)}]` })
  const bytes = await readFile(zip)
  const size = Buffer.alloc(4)
  size.writeUInt32LE(2_000_002)
  for (let at = bytes.indexOf(size); at >= 0; at = bytes.indexOf(size, at + 1)) bytes.writeUInt32LE(100, at)
  await writeFile(zip, bytes)
  const stores = await startTransferStores()
  expect((await stores.importFile(zip)).errors).toEqual([
    expect.stringMatching(/the zip cannot be read on: .*too many bytes/),
  ])
})

test('what is no zip, and a zip that is cut, are told as such', async () => {
  const stores = await startTransferStores()
  await expect(stores.importFile(await writeTestFile('a.zip', 'no zip'))).rejects.toThrow(
    /a\.zip is no zip that can be read/,
  )
  const zip = join(await createDirectory(), 'cut.zip')
  await writeZip(zip, EXPORT)
  await truncate(zip, 200)
  await expect(stores.importFile(zip)).rejects.toThrow(/cut\.zip is no zip that can be read/)
})

test('a branch that another shard has the beginning of goes on behind it', async () => {
  const stores = await startTransferStores()
  const first = exportedConversation([{ id: 'a', message: said('user', 'A') }], { id: 'one' })
  const rest = { ...first, mapping: { b: { id: 'b', parent: 'a', children: [], message: said('assistant', 'B') } } }
  await stores.importFile(await writeTestFile('conversations-000.json', JSON.stringify([first])))
  await stores.importFile(await writeTestFile('conversations-001.json', JSON.stringify([rest])))
  const [one] = await stores.readAll()
  expect(one?.messages.map(({ clientMessageId }) => clientMessageId)).toEqual(['import:a', 'import:b'])
})

test.each<[string, number, number, number]>([
  ['encrypted', 6, 8, 1],
  ['packed in a way that nobody knows', 8, 10, 99],
])('a file in a zip that is %s is named and left out alone', async (_, inFile, inDirectory, value) => {
  const zip = join(await createDirectory(), 'odd.zip')
  await writeZip(zip, { 'conversations-000.json': shard('one'), 'conversations-001.json': shard('two') })
  const bytes = await readFile(zip)
  // The heads of the first file: before it, and in the directory.
  bytes.writeUInt16LE(bytes.readUInt16LE(inFile) | value, inFile)
  const directory = bytes.indexOf(Buffer.from('504b0102', 'hex')) + inDirectory
  bytes.writeUInt16LE(bytes.readUInt16LE(directory) | value, directory)
  await writeFile(zip, bytes)
  const { errors, ...report } = await (await startTransferStores()).importFile(zip)
  expect(report).toMatchObject({ conversations: 1, stored: 1, refused: 1 })
  expect(errors).toEqual([expect.stringMatching(/conversations-000\.json: the zip cannot be read on: /)])
})

test.each(['stored', 'deflated'])(
  'of a file in a zip (%s) that is not what was packed nothing is taken',
  async (how) => {
    const zip = join(await createDirectory(), 'flipped.zip')
    const files = { 'conversations-000.json': shard('one', 'six'), 'conversations-001.json': shard('two') }
    await writeZip(zip, files, { compress: how === 'deflated' })
    const bytes = await readFile(zip)
    // The byte of a text, which leaves JSON as it was; or the sum itself, where the bytes are packed.
    const at = how === 'stored' ? bytes.indexOf('Hello six') : bytes.indexOf(Buffer.from('504b0102', 'hex')) + 16
    bytes.writeUInt8((bytes.readUInt8(at) ^ 1) & 0xff, at)
    await writeFile(zip, bytes)
    const stores = await startTransferStores()
    const { errors, ...report } = await stores.importFile(zip)
    expect(report).toMatchObject({ conversations: 1, stored: 1, refused: 1 })
    expect(errors).toEqual([expect.stringMatching(/flipped\.zip\/conversations-000\.json: it is not what was packed/)])
  },
)

test('zips in a folder are named to be imported by themselves, but what was sent in the zip of an export', async () => {
  const folder = await createDirectory()
  for (const name of ['one.zip', 'two.ZIP']) await writeZip(join(folder, name), EXPORT)
  const none = openSources([folder])
  await expect(none).rejects.toThrow(/not opened: import it by itself: \S+one\.zip, \S+two\.ZIP$/)
  await writeFile(join(folder, 'chats.jsonl'), '')
  const { skipped, unopened } = await openSources([folder])
  expect(skipped).toEqual([])
  expect(unopened.map((name) => basename(name))).toEqual(['one.zip', 'two.ZIP'])
  const zip = join(await createDirectory(), 'export.zip')
  await writeZip(zip, { ...EXPORT, 'file-sent.zip': '' })
  const sources = await openSources([zip])
  sources.close()
  expect(sources.unopened).toEqual([])
  expect(sources.skipped.map((name) => basename(name))).toContain('file-sent.zip')
})

test('a zip or a folder without a file of conversations is told as such', async () => {
  const stores = await startTransferStores()
  const folder = await createDirectory()
  await expect(stores.importFile(folder)).rejects.toThrow(/holds no file that ends in \.json, \.jsonl, \.ndjson$/)
  await writeZip(join(folder, 'inner.zip'), { 'conversations.json': shard('one') })
  const zip = join(await createDirectory(), 'outer.zip')
  await writeZip(zip, { 'inner.zip': await readFile(join(folder, 'inner.zip'), 'latin1') })
  await expect(stores.importFile(zip)).rejects.toThrow(/not opened: import it by itself: .*inner\.zip$/)
})

test('a zip of more files than are looked through is told as such, before they are', async () => {
  const zip = join(await createDirectory(), 'many.zip')
  await writeZip(zip, EXPORT, { forceZip64Format: true })
  const bytes = await readFile(zip)
  const end = bytes.indexOf(Buffer.from('504b0606', 'hex'))
  for (const count of [24, 32]) bytes.writeBigUInt64LE(100_001n, end + count)
  await writeFile(zip, bytes)
  const stores = await startTransferStores()
  await expect(stores.importFile(zip)).rejects.toThrow(/many\.zip holds more than 100000 files/)
})

async function writeZip(
  path: string,
  files: Record<string, string>,
  { forceZip64Format = false, compress = true } = {},
) {
  const zip = new ZipFile()
  for (const [name, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), name, { compress })
  zip.end({ forceZip64Format, comment: '' })
  await pipeline(zip.outputStream, createWriteStream(path))
}
