import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ExportedConversation, said } from '../support/chatgpt-export.ts'
import { type ImportedTree, startImportedTree } from '../support/imported-tree.ts'
import { startTransferMemory, writeTestFile } from '../support/transfer-stores.ts'

/** A conversation as one shard has it: some of its nodes, whose parents may be in others. */
type Part = Omit<ExportedConversation, 'title'> & {
  title?: string
  update_time?: number
  is_archived?: boolean
}

const node = (id: string, parent: string | null) => ({
  id,
  parent,
  children: [],
  message: said(id.startsWith('u') ? 'user' : 'assistant', id),
})
const part = (nodes: Record<string, string | null>, fields: Partial<Part> = {}): Part => ({
  id: 'talk',
  mapping: Object.fromEntries(Object.entries(nodes).map(([id, parent]) => [id, node(id, parent)])),
  ...fields,
})

const CHAIN = [part({ u1: null, a1: 'u1' }), part({ u2: 'a1', a2: 'u2' }), part({ u3: 'a2', a3: 'u3' })]
const ORDERS = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
]

test.each(ORDERS)('a path that goes on in other files is whole in the order %i, %i, %i', async (...order) => {
  const tree = await startImportedTree()
  const files = await writeShards(order.map((index) => CHAIN[index] as Part))
  expect(await tree.importFile(...files)).toMatchObject({ stored: 6, present: 0, conversations: 3, refused: 0 })
  expect(await tree.readActive()).toEqual(['u1', 'a1', 'u2', 'a2', 'u3', 'a3'])
  for (const again of [files, files.toReversed()]) {
    expect(await tree.importFile(...again)).toMatchObject({ stored: 0, present: 6, refused: 0 })
    expect(await tree.readActive()).toEqual(['u1', 'a1', 'u2', 'a2', 'u3', 'a3'])
  }
})

test.each([
  [0, 1, 2],
  [2, 1, 0],
  [1, 2, 0],
])('the path that is shown is shown, whichever file has it, in the order %i, %i, %i', async (...order) => {
  const tree = await startImportedTree()
  const shown = { current_node: 'a2' }
  const parts = [
    part({ u1: null, a1: 'u1', a0: 'u1' }, shown),
    part({ u2: 'a1', a2: 'u2' }, shown),
    part({ u3: 'a1', a3: 'u3' }, shown),
  ]
  const files = await writeShards(order.map((index) => parts[index] as Part))
  expect(await tree.importFile(...files)).toMatchObject({ stored: 7, refused: 0 })
  expect(await tree.readActive()).toEqual(['u1', 'a1', 'u2', 'a2'])
  expect(await tree.select('a3')).toEqual(['u1', 'a1', 'u3', 'a3'])
  expect(await tree.importFile(...files)).toMatchObject({ stored: 0, refused: 0 })
  expect(await tree.readActive()).toEqual(['u1', 'a1', 'u3', 'a3'])
})

test('what goes on behind a message that is in no file stands at the beginning, and is told', async () => {
  const tree = await startImportedTree()
  const files = await writeShards([CHAIN[2] as Part, part({ u9: null }, { id: 'other' })])
  const report = await tree.importFile(...files)
  expect(report).toMatchObject({ stored: 3, conversations: 2, refused: 0, hasLosses: false })
  expect(report.notes).toMatchObject([{ what: expect.stringContaining('a parent that is not in the file'), count: 1 }])
})

test('a tree whose levels are dealt out to files in any order is the whole tree', async () => {
  const tree = fc.record({
    parents: fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 12 }),
    cuts: fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 3 }),
    seed: fc.nat(),
  })
  await fc.assert(
    fc.asyncProperty(tree, async ({ parents, cuts, seed }) => {
      const nodes = parents.map((at, index) => ({
        id: `u${index}`,
        parent: index === 0 ? null : `u${at % index}`,
      }))
      const parentOf = new Map(nodes.map(({ id, parent }) => [id, parent]))
      const pathTo = (id: string): string[] => {
        const parent = parentOf.get(id)
        return parent == null ? [id] : [...pathTo(parent), id]
      }
      const levelOf = (id: string) => cuts.filter((cut) => pathTo(id).length > cut).length
      const levels = Map.groupBy(nodes, ({ id }) => levelOf(id))
      const shards = [...levels.values()].map((level) =>
        part(Object.fromEntries(level.map(({ id, parent }) => [id, parent]))),
      )
      const imported = await startImportedTree()
      const order = shards.map((shard, index) => ({ shard, rank: (seed * (index + 7)) % 11 }))
      const files = await writeShards(order.toSorted((a, b) => a.rank - b.rank).map(({ shard }) => shard))
      expect(await imported.importFile(...files)).toMatchObject({ stored: nodes.length, present: 0, refused: 0 })
      const leaves = nodes.filter(({ id }) => !nodes.some(({ parent }) => parent === id))
      for (const { id } of leaves) expect(await imported.select(id)).toEqual(pathTo(id))
      expect(await imported.importFile(...files.toReversed())).toMatchObject({ stored: 0, refused: 0 })
    }),
    { numRuns: 40 },
  )
})

const OLD = part({ u1: null, a1: 'u1', a2: 'u1' }, { title: 'Old', update_time: 1_722_900_100, current_node: 'a2' })
const NEW = part(
  { u1: null, a1: 'u1', u3: 'a1', a3: 'u3' },
  { title: 'New', update_time: 1_722_900_200, current_node: 'a3', is_archived: true },
)

test.each([
  ['behind', [OLD, NEW]],
  ['before', [NEW, OLD]],
  ['around', [NEW, OLD, NEW]],
] as const)(
  'of a conversation in several files the newest state counts, also where it stands %s an older one',
  async (_, parts) => {
    const stores = await startTransferMemory()
    const files = await writeShards(parts)
    expect(await stores.importFile(...files)).toMatchObject({ stored: 5, refused: 0 })
    await expectNewest(stores)
    expect(await stores.importFile(...files)).toMatchObject({ stored: 0, refused: 0 })
    await expectNewest(stores)
  },
)

async function expectNewest(stores: Awaited<ReturnType<typeof startTransferMemory>>): Promise<void> {
  const [talk, ...others] = await stores.readAll()
  expect(others).toEqual([])
  expect(talk?.conversation).toMatchObject({ title: 'New', lastMessageAt: 1_722_900_200_000 })
  expect(talk?.conversation.archivedAt).toBeDefined()
  expect(talk?.messages.map(({ clientMessageId }) => clientMessageId)).toEqual(
    ['u1', 'a1', 'u3', 'a3'].map((id) => `import:${id}`),
  )
}

test('an older export brings what is missing and shows nothing of itself', async () => {
  const tree = await startImportedTree()
  await tree.importFile(...(await writeShards([{ ...NEW, is_archived: false }])))
  expect(await tree.importFile(...(await writeShards([OLD])))).toMatchObject({ stored: 1, present: 2, refused: 0 })
  const [talk] = await tree.readAll()
  expect(talk?.conversation.title).toBe('New')
  expect(talk?.messages).toHaveLength(4)
  expect(await tree.versionsOf('a2')).toEqual(['a1', 'a2'])
})

test('a title that somebody gave stays, whatever is imported later', async () => {
  const stores = await startTransferMemory()
  await stores.importFile(...(await writeShards([OLD])))
  const [talk] = await stores.readAll()
  await stores.memory.updateConversation('local', talk?.conversation.id ?? '', { title: 'Mine' })
  await stores.importFile(...(await writeShards([NEW, NEW])))
  expect((await stores.readAll())[0]?.conversation.title).toBe('Mine')
})

test('of a message that is half there in an older file the whole one is shown, in either order', async () => {
  for (const isReversed of [false, true]) {
    const tree = await startImportedTree()
    const half = withText(part({ u1: null, a1: 'u1' }, { update_time: 1_722_900_100 }), 'Half an', 'in_progress')
    const whole = withText(part({ u1: null, a1: 'u1' }, { update_time: 1_722_900_200 }), 'Half an answer.')
    const files = await writeShards(isReversed ? [whole, half] : [half, whole])
    await tree.importFile(...files)
    expect(await shownTexts(tree)).toEqual(['u1', 'Half an answer.'])
    expect(await tree.importFile(...files)).toMatchObject({ stored: 0, refused: 0 })
    expect(await shownTexts(tree)).toEqual(['u1', 'Half an answer.'])
  }
})

function withText(talk: Part, text: string, status = 'finished_successfully'): Part {
  const message = said('assistant', text, { status })
  return { ...talk, mapping: { ...talk.mapping, a1: { id: 'a1', parent: 'u1', children: [], message } } }
}

async function shownTexts(tree: ImportedTree): Promise<string[]> {
  const [talk] = await tree.readAll()
  return (talk?.messages ?? []).map(({ parts: [only] }) => (only?.type === 'text' ? only.text : ''))
}

/** Files as they are given, a conversation in each. */
async function writeShards(parts: readonly Part[]): Promise<string[]> {
  return Promise.all(parts.map((each, index) => writeTestFile(`conversations-${index}.json`, JSON.stringify([each]))))
}
