import { expect, test } from 'vitest'
import { decodeChatGptConversation } from '../../src/transfer/chatgpt/chatgpt-conversation.ts'
import { EXPORTED_TALK, exportedConversation, said } from '../support/chatgpt-export.ts'
import { startTransferStores, writeTestFile } from '../support/transfer-stores.ts'

const hello = said('user', 'hello')
const node = (id: string, parent: string | null, children: string[] = [], message: object | null = hello) => ({
  [id]: { id, parent, children, message },
})

test.each([
  [
    'a parent that is missing',
    { ...node('a', null), ...node('b', 'x') },
    'mapping.b.parent must be a node with this one among its children; got "x".',
  ],
  [
    'a parent that does not know its child',
    { ...node('a', null), ...node('b', 'a') },
    'mapping.b.parent must be a node with this one among its children; got "a".',
  ],
  [
    'a child that is missing',
    node('a', null, ['b']),
    'mapping.a.children must be nodes whose parent is this one; got "b".',
  ],
  [
    'a node below two others',
    { ...node('a', null, ['b', 'c']), ...node('b', 'a', ['c']), ...node('c', 'b') },
    'mapping.a.children must be nodes whose parent is this one; got "c".',
  ],
  [
    'a child that is named twice',
    { ...node('a', null, ['b', 'b']), ...node('b', 'a') },
    'mapping.a.children[1] must be unlike the ones before it; got "b".',
  ],
  [
    'a node under the id of another',
    { a: { id: 'b', parent: null, children: [], message: hello } },
    'mapping.a.id must be "a"; got "b".',
  ],
  [
    'a circle',
    { ...node('a', null), ...node('b', 'c', ['c']), ...node('c', 'b', ['b']) },
    'mapping.b must be below a node without a parent; got a circle of nodes.',
  ],
  [
    'a role that is unknown',
    node('a', null, [], said('critic', 'x')),
    'mapping.a.message.author.role must be one of system, developer, user, assistant, tool; got "critic".',
  ],
  [
    'content of another shape',
    node('a', null, [], said('user', '', { content: { content_type: 'text', parts: [7] } })),
    'mapping.a.message.content.parts[0] must be a string or an object; got 7.',
  ],
  [
    'half of a surrogate pair',
    node('a', null, [], said('user', '\ud83d')),
    'mapping.a.parts[0].text must be well-formed Unicode; got half of a surrogate pair.',
  ],
  [
    'a message over the limit',
    { ...node('a', null, ['b']), ...node('b', 'a', [], said('assistant', 'x'.repeat(1_001))) },
    'mapping.b must be at most 1000 bytes; got 1001 bytes.',
  ],
  ['a node that is no object', { a: 3 }, 'mapping.a must be an object; got 3.'],
])('%s is named with its place, and nothing of its conversation is stored', async (_, mapping, error) => {
  const stores = await startTransferStores(1_000)
  const good = exportedConversation([{ id: 'a', message: hello }])
  const file = [
    { ...good, id: 'one' },
    { id: 'two', mapping },
    { ...good, id: 'three' },
  ]
  const { errors } = await stores.importFile(await writeTestFile('a.json', JSON.stringify(file)))
  expect(errors).toEqual([`[1]: ${error}`])
  expect(await stores.readAll()).toHaveLength(2)
})

test('a current node that is not there is refused', () => {
  expect(() => decodeChatGptConversation({ mapping: node('a', null), current_node: 'x' })).toThrow(
    'current_node must be a node of the mapping; got "x".',
  )
})

test('more branches than a conversation can have are refused before anything is stored', async () => {
  const stores = await startTransferStores()
  const import_ = async (id: string, versions: number) => {
    const nodes = Array.from({ length: versions }, (_, index) => ({ id: `v${index}`, parent: 'r', message: hello }))
    const talk = exportedConversation([{ id: 'r' }, ...nodes], { id })
    return stores.importFile(await writeTestFile('a.json', JSON.stringify([talk])))
  }
  expect((await import_('over', 1_002)).errors).toEqual([
    '[0]: mapping must be a tree of at most 1000 branches besides the first; got 1001.',
  ])
  expect(await stores.readAll()).toEqual([])
  expect(await import_('at', 1_001)).toMatchObject({ stored: 1_001, refused: 0 })
})

test('without a current node, or with one above all messages, the newest path is active', () => {
  const { mapping } = EXPORTED_TALK
  for (const current_node of [undefined, null, 'root', 'settings']) {
    expect(decodeChatGptConversation({ mapping, current_node }).selectedId).toBe('dropped')
  }
  expect(decodeChatGptConversation({ mapping, current_node: 'blank' }).selectedId).toBe('more-edited')
})

test('a tree in which nothing is said is a conversation without messages', () => {
  expect(decodeChatGptConversation(exportedConversation([{ id: 'root' }]))).toMatchObject({ branches: [] })
  expect(decodeChatGptConversation({ mapping: {} })).toMatchObject({ branches: [] })
})

test('a path may be as deep as a long conversation', () => {
  const length = 30_000
  const nodes = Array.from({ length }, (_, index) => ({
    id: `n${index}`,
    ...(index > 0 && { parent: `n${index - 1}` }),
    message: index % 3 ? hello : null,
  }))
  const { branches, selectedId } = decodeChatGptConversation(exportedConversation(nodes))
  expect(branches).toHaveLength(1)
  expect(branches[0]?.messages).toHaveLength(20_000)
  expect(selectedId).toBe('n29999')
})
