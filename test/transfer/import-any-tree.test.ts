import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FileConversation } from '../../src/transfer/file-conversation.ts'
import type { Note } from '../../src/transfer/notes.ts'
import { said } from '../support/chatgpt-export.ts'
import { decodeTalk } from '../support/decoded-talk.ts'
import { startImportedTree } from '../support/imported-tree.ts'

/** Names that objects of JavaScript have already, and one that no node has. */
const ID = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', '__proto__', 'constructor', 'toString')
const anyId = fc.oneof(ID, fc.constant('nowhere'))
const links = fc.record({
  id: ID,
  parent: fc.option(anyId),
  children: fc.option(fc.array(anyId, { maxLength: 4 })),
  isSaid: fc.boolean(),
  time: fc.option(fc.integer({ min: 0, max: 5 })),
})
/** Any links: circles, several tops, parents and children that disagree, are missing or named twice. */
const anyMapping = fc.uniqueArray(links, { selector: ({ id }) => id, maxLength: 10 })

type Links = typeof anyMapping extends fc.Arbitrary<infer Value> ? Value : never

test('of any mapping each message is there once, on a tree, whatever its links are', () => {
  fc.assert(
    fc.property(anyMapping, fc.option(anyId), (nodes, current) => {
      const notes: Note[] = []
      const conversation = decodeTalk(talkOf(nodes, current), notes)
      expect(idsIn(conversation).toSorted()).toEqual(saidIn(nodes).toSorted())
      // Each branch begins behind, or in the place of, a message of one before it.
      const before = new Set<string>()
      for (const { behind, replaces, messages } of conversation.branches) {
        for (const id of [behind, replaces]) if (id !== undefined) expect(before).toContain(id)
        for (const { id } of messages) before.add(id)
      }
      expect(notes.filter(({ isLoss }) => isLoss)).toEqual([])
    }),
    { numRuns: 3_000 },
  )
})

test('of any mapping whose parents alone make a tree, each message stands behind its parent', () => {
  const tree = anyMapping.map((nodes) =>
    nodes.map((node, index) => {
      const parent = node.parent === null ? null : (nodes[(node.time ?? 0) % Math.max(index, 1)]?.id ?? null)
      return { ...node, parent: index === 0 ? null : parent, children: null }
    }),
  )
  fc.assert(
    fc.property(tree, (nodes) => {
      const paths = pathsIn(decodeTalk(talkOf(nodes, null)))
      for (const id of saidIn(nodes)) {
        const above: string[] = parentsOf(nodes, id).filter((parent) => saidIn(nodes).includes(parent))
        expect(paths.some((path) => path.slice(0, path.indexOf(id)).join() === above.toReversed().join())).toBe(true)
      }
    }),
    { numRuns: 500 },
  )
})

test('what is read of any mapping is stored, and a second import stores nothing', async () => {
  await fc.assert(
    fc.asyncProperty(anyMapping, fc.option(anyId), async (nodes, current) => {
      const tree = await startImportedTree()
      const talk = talkOf(nodes, current)
      const length = saidIn(nodes).length
      expect(await tree.importTalk(talk)).toMatchObject({ stored: length, refused: 0, hasLosses: false })
      expect(await tree.importTalk(talk)).toMatchObject({ stored: 0, present: length, refused: 0 })
    }),
    { numRuns: 60 },
  )
})

/** As text of JSON, in which `__proto__` is a name as any other. */
function talkOf(nodes: Links, current: string | null) {
  const entries = nodes.map(({ id, parent, children, isSaid, time }) => {
    const message = isSaid ? said('user', id, { create_time: time }) : null
    // A node without children in the file says nothing of them.
    return `${JSON.stringify(id)}:${JSON.stringify({ parent, ...(children && { children }), message })}`
  })
  return JSON.parse(`{"id":"talk","current_node":${JSON.stringify(current)},"mapping":{${entries.join()}}}`)
}

function saidIn(nodes: Links): string[] {
  return nodes.flatMap(({ id, isSaid }) => (isSaid ? id : []))
}

function idsIn({ branches }: FileConversation): string[] {
  return branches.flatMap(({ messages }) => messages.map(({ id }) => id))
}

/** The ids along the path to the end of each branch. */
function pathsIn({ branches }: FileConversation): string[][] {
  const paths: string[][] = []
  for (const { behind, messages } of branches) {
    const parent = paths.find((path) => behind !== undefined && path.includes(behind)) ?? []
    const before = behind === undefined ? [] : parent.slice(0, parent.indexOf(behind) + 1)
    paths.push([...before, ...messages.map(({ id }) => id)])
  }
  return paths
}

function parentsOf(nodes: Links, id: string): string[] {
  const parent = nodes.find((node) => node.id === id)?.parent
  return parent == null ? [] : [parent, ...parentsOf(nodes, parent)]
}
