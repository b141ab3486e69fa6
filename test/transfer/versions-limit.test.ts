import { expect, test } from 'vitest'
import { BadUserInputError } from '../../src/errors.ts'
import type { Memory } from '../../src/memory/memory.ts'
import { MAX_BRANCHES } from '../../src/memory/versions/branches.ts'
import { CHATGPT } from '../../src/transfer/chatgpt/chatgpt-conversation.ts'
import { CLAUDE } from '../../src/transfer/claude/claude-conversation.ts'
import type { FileConversation } from '../../src/transfer/file-conversation.ts'
import { createNotes, type Note } from '../../src/transfer/notes.ts'
import { OPEN_WEBUI } from '../../src/transfer/open-webui/open-webui-conversation.ts'
import { type ExportedNode, exportedConversation, said } from '../support/chatgpt-export.ts'
import { startMemoryNode } from '../support/memory-node.ts'
import { transferStoresOf, writeTestFile } from '../support/transfer-stores.ts'

const COUNT = MAX_BRANCHES + 500

interface Tree {
  nodes: { id: string; parent?: string }[]
  shown: string
  path: string[]
}

const numbers = Array.from({ length: COUNT }, (_, index) => index)
/** Versions of one answer; the last but some is shown. */
const VERSIONS: Tree = {
  nodes: [{ id: 'ask' }, ...numbers.map((index) => ({ id: `v${index}`, parent: 'ask' }))],
  shown: `v${COUNT - 100}`,
  path: ['ask', `v${COUNT - 100}`],
}
/** The same without anything before them. */
const BEGINNINGS: Tree = {
  nodes: numbers.map((index) => ({ id: `v${index}` })),
  shown: `v${COUNT - 100}`,
  path: [`v${COUNT - 100}`],
}
/** At each step the second version goes on. */
const STAIRS: Tree = {
  nodes: [
    { id: 'b0' },
    ...numbers.slice(1).flatMap((index) => [
      { id: `a${index}`, parent: `b${index - 1}` },
      { id: `b${index}`, parent: `b${index - 1}` },
    ]),
  ],
  shown: `b${COUNT - 1}`,
  path: numbers.map((index) => `b${index}`),
}

const context = (notes: Note[]) => ({ notes: createNotes(notes), limits: { maxMessageBytes: 1_000 } })
const FORMATS: Record<string, (tree: Tree, notes: Note[]) => FileConversation> = {
  ChatGPT: ({ nodes, shown }, notes) => CHATGPT.decode(chatGpt(nodes, shown), context(notes)),
  Claude({ nodes, shown }, notes) {
    const chat_messages = nodes.map(({ id, parent = '00000000-0000-4000-8000-000000000000' }) => {
      return { uuid: id, sender: 'human', text: id, parent_message_uuid: parent }
    })
    return CLAUDE.decode({ uuid: 'talk', chat_messages, current_leaf_message_uuid: shown }, context(notes))
  },
  'Open WebUI'({ nodes, shown }, notes) {
    const messages = Object.fromEntries(
      nodes.map(({ id, parent = null }) => [id, { id, parentId: parent, role: 'user', content: id }]),
    )
    return OPEN_WEBUI.decode({ id: 'talk', chat: { history: { messages, currentId: shown } } }, context(notes))
  },
}

test.each(
  Object.keys(FORMATS).flatMap((name) => [
    [name, 'versions of one answer', VERSIONS] as const,
    [name, 'versions of the beginning', BEGINNINGS] as const,
    [name, 'versions at each step of the path', STAIRS] as const,
  ]),
)('of %s with more %s than a conversation can have the path that is shown is kept', (name, _, tree) => {
  const notes: Note[] = []
  const conversation = FORMATS[name]?.(tree, notes)
  expect(conversation?.branches.length).toBe(MAX_BRANCHES + 1)
  expect(pathOf(conversation, tree.shown)).toEqual(tree.path)
  expect(conversation?.selectedIds).toEqual([tree.shown])
  const kept = conversation?.branches.flatMap(({ messages }) => messages).length ?? 0
  expect(notes.filter(({ what }) => what === 'in a tree of over 1000 versions: left out').length).toBe(
    tree.nodes.length - kept,
  )
})

test('where the versions that are there leave room for some only, what is shown is stored first', async () => {
  const { memory, history } = await startMemoryNode()
  const room = { left: 2 }
  const stores = transferStoresOf({ memory: limited(memory, room), history })
  const path = await writeTestFile('a.json', JSON.stringify(chatGpt(VERSIONS.nodes.slice(0, 3), 'v1')))
  await stores.importFile(path)
  const grown = await writeTestFile('b.json', JSON.stringify(chatGpt(VERSIONS.nodes, VERSIONS.shown)))
  const { notes, refused, hasLosses } = await stores.importFile(grown)
  expect({ refused, hasLosses }).toEqual({ refused: 0, hasLosses: true })
  expect(notes.map(({ what, count }) => [what, count])).toEqual([
    ['in a tree of over 1000 versions: left out', 499],
    // All that were to be stored, but for the two that are there and the one for which there was room.
    ['in a conversation of 1000 versions: left out', MAX_BRANCHES + 1 - 3],
  ])
  const [one] = await stores.readAll()
  expect(one?.messages.map(({ clientMessageId }) => clientMessageId)).toEqual([
    'import:ask',
    `import:${VERSIONS.shown}`,
  ])
})

function chatGpt(nodes: readonly ExportedNode[], shown: string) {
  return exportedConversation(
    nodes.map((node) => ({ ...node, message: said('user', node.id, { create_time: undefined }) })),
    { current_node: shown },
  )
}

/** A memory in which there is room for few more branches, which says so as the real one does. */
function limited(memory: Memory, room: { left: number }): Memory {
  return {
    ...memory,
    async appendDrafts(ownerId, id, drafts, options) {
      if (options?.replaces !== undefined) room.left -= 1
      if (room.left < 0)
        throw new BadUserInputError('replaces', 'in a conversation with less than 1000 branches', '1000')
      return memory.appendDrafts(ownerId, id, drafts, options)
    },
  }
}

/** Ids along the path to a message, by the branches of a conversation. */
function pathOf(conversation: FileConversation | undefined, end: string): string[] {
  const path: string[] = []
  for (let id: string | undefined = end; id !== undefined; ) {
    const wanted: string = id
    const branch = conversation?.branches.find(({ messages }) => messages.some((each) => each.id === wanted))
    const ids = branch?.messages.map((each) => each.id) ?? []
    path.unshift(...ids.slice(0, ids.indexOf(wanted) + 1))
    id = branch?.behind
  }
  return path
}
