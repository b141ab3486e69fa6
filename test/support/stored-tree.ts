import { positionAfter } from '../../src/memory/append/position-after.ts'
import { type Branch, type Conversation, ROOT_BRANCH } from '../../src/memory/conversation.ts'
import { createConversationId } from '../../src/memory/ids.ts'
import type { Head, Message } from '../../src/memory/message.ts'
import type { MemoryNode } from './memory-node.ts'
import { OWNER } from './stored-conversation.ts'

/** A conversation with many versions, and each of its paths as a plain list, by the branch that it ends on. */
export interface StoredTree {
  conversationId: string
  paths: ReadonlyMap<string, readonly Message[]>
  /** The end of the path that crosses the most branches. */
  deepest: string
  /** A version of a version of a message of the root. */
  nested: string
  /** One of many versions of one message of the root. */
  sibling: string
  /** Another one, whose head has no hint. */
  unhinted: string
}

const TOKENS = 50
const ROOT_LENGTH = 1_000
const OWN_LENGTH = 9
const BRANCHES = 1_000
const CHAIN_LENGTH = 300
const SIBLINGS = 350
const BATCH_LENGTH = 250
const ENDS = {
  deepest: nameOf(CHAIN_LENGTH - 1),
  nested: nameOf(BRANCHES - 1),
  sibling: nameOf(CHAIN_LENGTH),
  unhinted: nameOf(CHAIN_LENGTH + 1),
}

/**
 * A conversation of 1,000 branches and 10,000 messages as it lies in history: a chain, each branch of which
 * begins in the one before, many versions of one message, and versions within those. The root is active.
 */
export async function storeTree({ history }: Pick<MemoryNode, 'history'>): Promise<StoredTree> {
  const id = createConversationId()
  const root = messagesBehind(id, ROOT_BRANCH, [], ROOT_LENGTH)
  const paths = new Map([[ROOT_BRANCH, root]])
  const branches: Branch[] = []
  for (let index = 0; index < BRANCHES; index++) {
    const [parent, place] = originOf(index)
    const parentPath = paths.get(parent) ?? []
    const replaced = parentPath.at(place)
    if (replaced === undefined) throw new Error(`Nothing to replace for ${index}`)
    const before = parentPath.slice(0, replaced.sequence - 1)
    const branch = { id: nameOf(index), parent, atSequence: replaced.sequence, tokenStart: replaced.tokenStart }
    branches.push(branch)
    paths.set(branch.id, [...before, ...messagesBehind(id, branch.id, before, OWN_LENGTH)])
  }
  await history.createConversation(conversationOf(id, branches, paths))
  const messages = [...paths].flatMap(([branch, path]) => path.filter((message) => message.branch === branch))
  for (let begin = 0; begin < messages.length; begin += BATCH_LENGTH) {
    await history.insertMessages(messages.slice(begin, begin + BATCH_LENGTH))
  }
  return { conversationId: id, paths, ...ENDS }
}

/** Where a branch begins: its parent, and the index of the message in the parent's path that it replaces. */
function originOf(index: number): [parent: string, place: number] {
  if (index === 0) return [ROOT_BRANCH, ROOT_LENGTH / 2]
  if (index < CHAIN_LENGTH) return [nameOf(index - 1), 2 - OWN_LENGTH]
  if (index < CHAIN_LENGTH + SIBLINGS) return [ROOT_BRANCH, ROOT_LENGTH / 2]
  return [nameOf(index - SIBLINGS), 4 - OWN_LENGTH]
}

function nameOf(index: number): string {
  return `branch${index.toString().padStart(4, '0')}`
}

function messagesBehind(id: string, branch: string, before: readonly Message[], length: number): Message[] {
  const drafts = Array.from({ length }, (_, index) => {
    const text = `${index + 1} of ${branch}`
    const said = { role: 'USER' as const, status: 'COMPLETE' as const, createdAt: 1_700_000_000_000 + index }
    return { tokens: TOKENS, draft: { ...said, parts: [{ type: 'text' as const, text }] } }
  })
  return positionAfter(id, branch, headOf(before), drafts)
}

function headOf(path: readonly Message[]): Head {
  return { sequence: path.length, tokens: path.length * TOKENS }
}

function conversationOf(id: string, branches: Branch[], paths: ReadonlyMap<string, readonly Message[]>): Conversation {
  const hinted = [...paths].filter(([branch]) => branch !== ENDS.unhinted)
  return {
    id,
    ownerId: OWNER,
    encoding: 'o200k_base',
    branches,
    activeBranch: ROOT_BRANCH,
    branchEpoch: branches.length,
    selectedEpochs: Object.fromEntries(branches.map((branch, index) => [branch.id, index])),
    heads: Object.fromEntries(hinted.map(([branch, path]) => [branch, headOf(path)])),
    createdAt: 1_700_000_000_000,
    lastMessageAt: 1_700_000_000_000,
  }
}
