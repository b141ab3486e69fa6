import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contentOf, type MessageDraft, type NewMessage } from '../../src/memory/message.ts'
import { encodeMessage } from '../../src/transfer/openai/openai-message.ts'
import { arbitraryMessage } from '../support/arbitrary-conversation.ts'
import {
  createDirectory,
  startTransferMemory,
  startTransferStores,
  type TransferStores,
  writeTestFile,
} from '../support/transfer-stores.ts'

const conversations = fc.array(
  fc.record({
    title: fc.string({ maxLength: 20 }),
    backscroll: fc.record(
      {
        model: fc.constant('some-model'),
        instructions: fc.constant('Be brief.'),
        encoding: fc.constantFrom('cl100k_base', 'o200k_base'),
        metadata: fc.constant({ team: 'blue', rank: 3 }),
        archivedAt: fc.constant('2026-01-02T03:04:05.678Z'),
        expiresAt: fc.constant('9000-01-01T00:00:00.000Z'),
      },
      { requiredKeys: [] },
    ),
    messages: fc.array(arbitraryMessage(), { maxLength: 4 }),
  }),
  { maxLength: 4 },
)

test.each(['a.json', 'a.jsonl'])(
  'an export to %s is imported elsewhere as it was, and exported the same',
  async (name) => {
    await fc.assert(
      fc.asyncProperty(conversations, async (written) => {
        const [first, second] = await Promise.all([startTransferStores(), startTransferStores()])
        await first.importFile(await writeTestFile('written.jsonl', toLines(written)))
        const directory = await createDirectory()
        const path = (folder: string) => join(directory, `${folder}-${name}`)
        await first.exportFile(path('first'))
        expect(await second.importFile(path('first'))).toMatchObject({ conversations: written.length, refused: 0 })
        expect(await contentsOf(second)).toEqual(await contentsOf(first))
        await second.exportFile(path('second'))
        expect(await recordsOf(path('second'))).toEqual(await recordsOf(path('first')))
        expect(await first.importFile(path('first'))).toMatchObject({ stored: 0, refused: 0 })
      }),
      { numRuns: 10 },
    )
  },
)

test('a conversation of many pages is exported whole and in order', async () => {
  const stores = await startTransferStores()
  const messages = Array.from({ length: 350 }, (_, index) => ({ role: 'user', content: `message ${index}` }))
  await stores.importFile(await writeTestFile('a.json', JSON.stringify([{ id: 'long', messages }])))
  const path = join(await createDirectory(), 'out.jsonl')
  await stores.exportFile(path)
  const exported = JSON.parse(await readFile(path, 'utf8'))
  expect(exported.id).toBe('long')
  expect(exported.messages.map(({ content }: { content: string }) => content)).toEqual(
    messages.map(({ content }) => content),
  )
})

test('more conversations than a page has are each exported once', async () => {
  const stores = await startTransferStores()
  const lines = Array.from({ length: 230 }, (_, id) => JSON.stringify({ id, messages: [] }))
  await stores.importFile(await writeTestFile('a.jsonl', lines.join('\n')))
  const path = join(await createDirectory(), 'out.json')
  await stores.exportFile(path)
  const ids = JSON.parse(await readFile(path, 'utf8')).map(({ id }: { id: string }) => Number(id))
  expect(ids.sort((a: number, b: number) => a - b)).toEqual(lines.map((_, id) => id))
})

test('what was said since an import is exported with it, and imported again stores nothing there', async () => {
  const { memory, ...first } = await startTransferMemory()
  const hello = { role: 'user', content: 'hello' }
  await first.importFile(await writeTestFile('a.json', JSON.stringify([{ id: 'one', messages: [hello, hello] }])))
  const [imported] = await first.readAll()
  const id = imported?.conversation.id ?? ''
  const { messages } = await memory.appendMessages('local', id, [says('edited', 'm-1')], imported?.messages[1]?.id)
  await memory.appendMessages('local', id, [says('hello'), says('and a last word')])
  expect(messages[0]?.sequence).toBe(2)
  const own = (await memory.createConversation('local', { title: 'Own' }, 'FAIL')).conversation
  await memory.appendMessages('local', own.id, [says('hello', 'm-1'), says('hello')])
  await memory.drain(10_000)
  const before = await first.readAll()

  const exported = await exportTo(first, 'out.jsonl')
  expect(await first.importFile(exported.path)).toMatchObject({ conversations: 2, messages: 6, stored: 0, refused: 0 })
  expect(await first.readAll()).toEqual(before)
  expect(await exportTo(first, 'again.jsonl')).toMatchObject({ text: exported.text })

  const second = await startTransferStores()
  expect(await second.importFile(exported.path)).toMatchObject({ stored: 6, refused: 0 })
  expect(await second.importFile(exported.path)).toMatchObject({ stored: 0, present: 6 })
  // Both were written to in the same moment, so either may come first.
  const isOne = (each: { id: string }) => each.id === 'one'
  const lines = exported.text.trimEnd().split('\n')
  const copied = JSON.parse((await exportTo(second, 'out.json')).text).find(isOne)
  expect(copied.messages).toEqual(lines.map((line) => JSON.parse(line)).find(isOne).messages)
})

test('a message of an export that was changed is an error, and one that was added stands behind the others', async () => {
  const { memory, ...stores } = await startTransferMemory()
  const { conversation } = await memory.createConversation('local', {}, 'FAIL')
  await memory.appendMessages('local', conversation.id, [says('one'), says('two')])
  const { text } = await exportTo(stores, 'out.jsonl')
  const changed = await stores.importFile(await writeTestFile('a.jsonl', text.replace('two', 'zwei')))
  expect(changed.errors).toEqual([expect.stringMatching(/is stored with other content/)])
  const grown = text.replace(']}', ',{"role":"assistant","content":"three"}]}')
  expect(await stores.importFile(await writeTestFile('a.jsonl', grown))).toMatchObject({ stored: 1, present: 2 })
  expect((await stores.readAll()).map(({ messages }) => messages.map(({ parts }) => contentOf(parts)))).toEqual([
    ['one', 'two', 'three'],
  ])
})

function says(text: string, clientMessageId?: string): NewMessage {
  return { role: 'USER', parts: [{ type: 'text', text }], ...(clientMessageId !== undefined && { clientMessageId }) }
}

async function exportTo(stores: Pick<TransferStores, 'exportFile'>, name: string) {
  const path = join(await createDirectory(), name)
  await stores.exportFile(path)
  return { path, text: await readFile(path, 'utf8') }
}

function toLines(written: readonly { messages: MessageDraft[] }[]): string {
  return written
    .map((conversation, id) =>
      JSON.stringify({ ...conversation, id, messages: conversation.messages.map((message) => encodeMessage(message)) }),
    )
    .join('\n')
}

/** All but what belongs to one store: ids, and when the conversation was made there. */
async function contentsOf(stores: TransferStores) {
  const all = (await stores.readAll()).map(({ conversation, messages }) => {
    const { id: _, createdAt: _made, lastMessageAt: _last, heads: _heads, ...rest } = conversation
    return { ...rest, messages: messages.map(({ id: _, conversationId: _of, ...message }) => message) }
  })
  return Map.groupBy(all, ({ externalId }) => externalId)
}

async function recordsOf(path: string) {
  const text = await readFile(path, 'utf8')
  const records = path.endsWith('.json')
    ? JSON.parse(text)
    : text.split('\n').flatMap((line) => (line ? JSON.parse(line) : []))
  return Map.groupBy(
    records.map(({ createdAt: _, ...record }: { createdAt: string }) => record),
    ({ id }: { id: string }) => id,
  )
}
