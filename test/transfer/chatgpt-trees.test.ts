import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EXPORTED_TALK, type ExportedNode, exportedConversation, said } from '../support/chatgpt-export.ts'
import { startImportedTree } from '../support/imported-tree.ts'
import { replaceValue } from '../support/replace-value.ts'
import { startTransferStores, writeTestFile } from '../support/transfer-stores.ts'

/** Trees in which every third node says nothing. */
const arbitraryNodes = fc
  .array(fc.record({ parent: fc.nat(), role: fc.constantFrom('user', 'assistant', 'tool'), silence: fc.nat(5) }), {
    minLength: 1,
    maxLength: 24,
  })
  .map((drawn) =>
    drawn.map(({ parent, role, silence }, index): ExportedNode => {
      // Some begin anew.
      const above = parent % (index + 1)
      const message = [null, said('system', ''), said(role, `text ${index}`)][Math.min(silence, 2)] ?? null
      return { id: `n${index}`, message, ...(above < index && { parent: `n${above}` }) }
    }),
  )

test('whatever the tree, every path comes out by selecting its end, and the current one is active', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraryNodes, fc.nat(), async (nodes, pick) => {
      const current = nodes[pick % nodes.length]?.id ?? ''
      const tree = await startImportedTree()
      expect(await tree.importTalk(exportedConversation(nodes, { current_node: current }))).toMatchObject({
        refused: 0,
      })
      const paths = nodes.filter(isSaid).map(({ id }) => pathTo(nodes, id))
      const leaves = paths.filter(
        (path) => !paths.some((other) => other.length > path.length && beginsWith(other, path)),
      )
      const shown = pathTo(nodes, current)
      expect(beginsWith(await tree.readActive(), shown)).toBe(true)
      for (const path of leaves) expect(await tree.select(path.at(-1) ?? '')).toEqual(path)
    }),
    { numRuns: 60 },
  )
})

test('whatever stands in the place of a value, the import ends with a report', async () => {
  const stores = await startTransferStores()
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), fc.nat(), async (junk, at) => {
      const talk = replaceValue(structuredClone({ ...EXPORTED_TALK, id: `${at}` }), junk, at)
      const path = await writeTestFile('junk.jsonl', JSON.stringify(talk))
      const { conversations, refused } = await stores.importFile(path)
      expect(conversations + refused).toBe(1)
    }),
    { numRuns: 200 },
  )
})

/** The ids from the top to a node, without those that say nothing. */
function pathTo(nodes: readonly ExportedNode[], id: string): string[] {
  const path: ExportedNode[] = []
  for (let node = nodes.find((each) => each.id === id); node !== undefined; ) {
    path.unshift(node)
    const { parent } = node
    node = nodes.find((each) => each.id === parent)
  }
  return path.filter(isSaid).map((node) => node.id)
}

function isSaid({ message }: ExportedNode): boolean {
  return JSON.stringify(message)?.includes('text ') ?? false
}

function beginsWith(path: readonly string[], begin: readonly string[]): boolean {
  return begin.every((id, index) => path[index] === id)
}
