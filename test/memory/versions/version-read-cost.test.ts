import { expect, inject, test } from 'vitest'
import type { Consistency } from '../../../src/memory/context.ts'
import { type Conversation, ROOT_BRANCH } from '../../../src/memory/conversation.ts'
import type { Message } from '../../../src/memory/message.ts'
import { type MemoryNode, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { newestWithin, OWNER, readContext } from '../../support/stored-conversation.ts'
import { type StoredTree, storeTree } from '../../support/stored-tree.ts'

/** Of messages of 50 tokens a tail holds 20, and the budget 60. */
const LIMITS = { tailTokens: 1_000 }
const BUDGET = 3_000
/** No more than this can be in the budget, whatever their sizes. */
const MOST_IN_BUDGET = BUDGET / 4 + 1
const PAGE = 20
/** The development server takes half a millisecond to insert a message, and more on a busy machine. */
const STORE_TIMEOUT_MS = 300_000

/** What a read asked of the history, and what came back. */
interface Cost {
  queries: number
  documents: number
}

const claim = 'of 1,000 branches a read fetches what it shows, and asks once for each branch that it crosses'

test(claim, { timeout: STORE_TIMEOUT_MS }, async () => {
  const node = await startMemoryNode({ history: newMongodb(), redisUrl: inject('redisUrl') }, LIMITS)
  const tree = await storeTree(node)
  const read = (maxTokens: number, consistency?: Consistency) => costOfContext(node, tree, maxTokens, consistency)
  const crossings: number[] = []
  for (const branch of [ROOT_BRANCH, tree.sibling, tree.nested, tree.deepest]) {
    const conversation = await activate(node, tree.conversationId, branch)
    const path = tree.paths.get(branch) ?? []
    const shown = newestWithin(path, BUDGET)
    const missing = shown.slice(0, -newestWithin(path, LIMITS.tailTokens).length)
    // Behind a fork the conversation says where the path goes on.
    const document = branch === ROOT_BRANCH ? 0 : 1
    crossings.push(crossed(shown))
    await node.guard.drop(tree.conversationId)
    expect(await read(BUDGET)).toEqual({ queries: 1 + crossed(shown), documents: 1 + shown.length })
    expect(await read(LIMITS.tailTokens)).toEqual({ queries: 0, documents: 0 })
    expect(await read(BUDGET)).toEqual({ queries: document + crossed(missing), documents: document + missing.length })
    expect(await read(BUDGET, 'STRONG')).toEqual({ queries: 2 + crossed(missing), documents: 1 + missing.length })
    await expectPages(node, conversation, path)
  }
  expect(crossings).toEqual([1, 2, 3, 27])

  await activate(node, tree.conversationId, tree.unhinted)
  await node.guard.drop(tree.conversationId)
  const { queries, documents } = await read(BUDGET)
  expect(queries).toBe(1 + 2)
  expect(documents).toBeLessThanOrEqual(1 + BUDGET / 50 + MOST_IN_BUDGET)
})

/** As a selection does it, which would read more. */
async function activate({ history }: MemoryNode, id: string, branch: string): Promise<Conversation> {
  const [before] = await history.findConversations(OWNER, [id])
  const fromEpoch = before?.branchEpoch ?? Number.NaN
  expect(await history.switchBranch(OWNER, id, { fromEpoch, toEpoch: fromEpoch + 1, branch })).toBe(true)
  const [conversation] = await history.findConversations(OWNER, [id])
  if (conversation === undefined) throw new Error('The conversation is not there')
  return conversation
}

/** Of the active path; what comes after the response is done, too. */
async function costOfContext(
  node: MemoryNode,
  { conversationId, paths }: StoredTree,
  maxTokens: number,
  consistency?: Consistency,
): Promise<Cost> {
  node.resetCounts()
  const { messages } = await readContext(node, conversationId, maxTokens, consistency)
  const cost = costOf(node)
  const branch = messages.at(-1)?.branch ?? ROOT_BRANCH
  expect(messages).toEqual(newestWithin(paths.get(branch) ?? [], maxTokens))
  await node.settle()
  return cost
}

/** Pages at both ends of a path and in its middle. */
async function expectPages(node: MemoryNode, conversation: Conversation, path: readonly Message[]): Promise<void> {
  const middle = Math.floor(path.length / 2)
  const ranges = [
    { afterSequence: 0, beforeSequence: Number.MAX_SAFE_INTEGER, limit: PAGE, from: 'OLDEST' as const },
    { afterSequence: 0, beforeSequence: Number.MAX_SAFE_INTEGER, limit: PAGE, from: 'NEWEST' as const },
    { afterSequence: middle, beforeSequence: Number.MAX_SAFE_INTEGER, limit: PAGE, from: 'OLDEST' as const },
    { afterSequence: 0, beforeSequence: middle, limit: PAGE, from: 'NEWEST' as const },
  ]
  for (const range of ranges) {
    const { afterSequence, beforeSequence, from } = range
    const between = path.filter(({ sequence }) => sequence > afterSequence && sequence < beforeSequence)
    node.resetCounts()
    const { messages: page } = await node.memory.readMessages(conversation, range)
    expect(page).toEqual(from === 'OLDEST' ? between.slice(0, PAGE) : between.slice(-PAGE))
    expect(costOf(node)).toEqual({ queries: crossed(page), documents: PAGE })
  }
}

function costOf({ traffic: { mongodb, documents } }: MemoryNode): Cost {
  expect(mongodb.filter((command) => command !== 'find')).toEqual([])
  return { queries: mongodb.length, documents }
}

function crossed(messages: readonly Message[]): number {
  return new Set(messages.map(({ branch }) => branch)).size
}
