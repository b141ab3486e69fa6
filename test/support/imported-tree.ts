import type { Conversation } from '../../src/memory/conversation.ts'
import { contentOf, type Message } from '../../src/memory/message.ts'
import { versionsAt } from '../../src/memory/versions/branches.ts'
import type { RetryDeps } from '../../src/transfer/store/retries.ts'
import type { ExportedConversation } from './chatgpt-export.ts'
import { type MemoryNode, type MemoryNodeOptions, startMemoryNode } from './memory-node.ts'
import { type TransferStores, transferStoresOf, writeTestFile } from './transfer-stores.ts'

/** One memory into which ChatGPT exports are imported, and what it holds by the ids of their nodes. */
export interface ImportedTree extends TransferStores {
  importTalk(conversation: ExportedConversation): ReturnType<TransferStores['importFile']>
  /** Node ids along the active path. */
  readActive(): Promise<string[]>
  /** Node ids along the path that is active after a message was selected. */
  select(nodeId: string): Promise<string[]>
  /** Node ids of all versions of a message. */
  versionsOf(nodeId: string): Promise<string[]>
  find(nodeId: string): Promise<Message>
  node: MemoryNode
}

const OWNER = 'local'

/** Ends with the test. */
export async function startImportedTree(
  options: MemoryNodeOptions = {},
  retries: RetryDeps = {},
): Promise<ImportedTree> {
  const node = await startMemoryNode(options)
  const { memory, history } = node
  const stores = transferStoresOf({ memory, history }, undefined, retries)

  async function findConversation(): Promise<Conversation> {
    const range = { ownerId: OWNER, archived: false, limit: 1, from: 'NEWEST' } as const
    const [listed] = await memory.listConversations(range)
    if (listed === undefined) throw new Error('Nothing was imported')
    return listed.conversation
  }

  async function readPath(conversation: Conversation): Promise<string[]> {
    const all = { afterSequence: 0, beforeSequence: Number.MAX_SAFE_INTEGER, limit: 10_000, from: 'OLDEST' } as const
    return (await memory.readMessages(conversation, all)).messages.map(nodeOf)
  }

  async function find(nodeId: string): Promise<Message> {
    const { id } = await findConversation()
    const [message] = await history.findByIdempotencyKeys(id, [`c:import:${nodeId}`])
    if (message === undefined) throw new Error(`${nodeId} was not imported`)
    return message
  }

  return {
    ...stores,
    node,
    find,
    importTalk: async (talk) => stores.importFile(await writeTestFile('conversations.json', JSON.stringify([talk]))),
    readActive: async () => readPath(await findConversation()),
    select: async (nodeId) => readPath((await memory.selectVersion(OWNER, (await find(nodeId)).id)).conversation),
    async versionsOf(nodeId) {
      const ids = versionsAt(await findConversation(), await find(nodeId))
      return (await history.findMessages(ids)).map((message) => (message ? nodeOf(message) : 'none'))
    },
  }
}

function nodeOf({ clientMessageId, parts }: Message): string {
  return clientMessageId?.slice('import:'.length) ?? contentOf(parts)
}
