import { expect, test } from 'vitest'
import type { FileBranch } from '../../src/transfer/file-conversation.ts'
import type { Note } from '../../src/transfer/notes.ts'
import { EXPORTED_TALK, exportedConversation, said } from '../support/chatgpt-export.ts'
import { decodeTalk } from '../support/decoded-talk.ts'
import { startTransferStores, writeTestFile } from '../support/transfer-stores.ts'

const hello = said('user', 'hello')
const node = (id: string, parent: string | null, children: string[] = [], message: object | null = hello) => ({
  [id]: { id, parent, children, message },
})

test.each([
  ['a parent that is missing', { ...node('a', null), ...node('b', 'x') }, 'b', 'a parent that is not in the file'],
  ['a child that is missing', { ...node('a', null), ...node('b', 'a', ['x']) }, 'b', 'children that are not in'],
  [
    'a node below two others',
    { ...node('a', null, ['b', 'c']), ...node('b', 'a', ['c']), ...node('c', 'b') },
    'c',
    'a child of two messages: its own parent counts',
  ],
  ['a circle', { ...node('a', null), ...node('b', 'c', ['c']), ...node('c', 'b', ['b']) }, 'b', 'a circle of messages'],
])('of a tree with %s each message is there, and the report names it', async (_, mapping, place, what) => {
  const notes: Note[] = []
  const { branches } = decodeTalk({ id: 'one', mapping }, notes)
  expect(messageIds(branches).toSorted()).toEqual(Object.keys(mapping))
  expect(notes).toEqual([{ what: expect.stringContaining(what), place: `mapping.${place}`, isLoss: false }])
})

test.each([
  ['a role that is unknown', said('critic', 'x'), 'a message whose role is not one of system'],
  ['no author', {}, 'a message whose role is not one of system'],
  ['a text over the limit', said('assistant', 'x'.repeat(1_001)), 'a message over 1000 bytes'],
])('a message with %s is left out alone, and named', async (_, message, what) => {
  const stores = await startTransferStores(1_000)
  const mapping = { ...node('a', null), ...node('b', 'a', [], message), ...node('c', 'b') }
  const report = await stores.importFile(await writeTestFile('a.json', JSON.stringify([{ id: 'one', mapping }])))
  expect(report).toMatchObject({ conversations: 1, stored: 2, refused: 0, hasLosses: true })
  const places = [expect.stringMatching(/a\.json: \[0\]\.mapping\.b$/)]
  expect(report.notes).toEqual([{ what: expect.stringContaining(what), count: 1, places }])
})

test('of more branches than a conversation can have the shown path and the first ones are kept', async () => {
  const stores = await startTransferStores()
  const nodes = Array.from({ length: 1_002 }, (_, index) => ({ id: `v${index}`, parent: 'r', message: hello }))
  const shown = { id: 'end', parent: 'v1001', message: hello }
  const talk = exportedConversation([{ id: 'r' }, ...nodes, shown], { current_node: 'end' })
  const report = await stores.importFile(await writeTestFile('a.json', JSON.stringify([talk])))
  expect(report).toMatchObject({ stored: 1_002, refused: 0, hasLosses: true })
  expect(report.notes).toMatchObject([{ count: 1, places: [expect.stringMatching(/v1000$/)] }])
  const [kept] = await stores.readAll()
  expect(kept?.messages.map(({ clientMessageId }) => clientMessageId)).toEqual(['import:v1001', 'import:end'])
})

test('without a current node that is there, the path that ends last is active', () => {
  const { mapping } = EXPORTED_TALK
  for (const current_node of [undefined, null, 7, 'nowhere', 'root', 'settings']) {
    expect(decodeTalk({ mapping, current_node }).selectedIds).toEqual(['dropped'])
  }
  expect(decodeTalk({ mapping, current_node: 'blank' }).selectedIds).toEqual(['more-edited'])
})

test('a tree in which nothing is said is a conversation without messages', () => {
  expect(decodeTalk(exportedConversation([{ id: 'root' }]))).toMatchObject({ branches: [] })
  expect(decodeTalk({ mapping: {} })).toMatchObject({ branches: [] })
})

test('a path may be as deep as a long conversation', () => {
  const length = 30_000
  const nodes = Array.from({ length }, (_, index) => ({
    id: `n${index}`,
    ...(index > 0 && { parent: `n${index - 1}` }),
    message: index % 3 ? hello : null,
  }))
  const { branches, selectedIds } = decodeTalk(exportedConversation(nodes))
  expect(branches).toHaveLength(1)
  expect(branches[0]?.messages).toHaveLength(20_000)
  expect(selectedIds).toEqual([])
})

function messageIds(branches: readonly FileBranch[]): string[] {
  return branches.flatMap(({ messages }) => messages.map(({ id }) => id))
}
