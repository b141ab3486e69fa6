import { type Conversation, ROOT_BRANCH } from '../../../src/memory/conversation.ts'
import type { History } from '../../../src/memory/history/history.ts'
import { idempotencyKey } from '../../../src/memory/history/idempotency-key.ts'
import type { Message } from '../../../src/memory/message.ts'

/** What the protocol needs of a history, for one conversation, as plainly as it can be written. */
export interface ModelHistory
  extends Pick<
    History,
    | 'findConversations'
    | 'insertMessages'
    | 'readTokenRange'
    | 'findByIdempotencyKeys'
    | 'markDeleted'
    | 'raiseHead'
    | 'removeMessages'
  > {
  /** The commit of a branch switch: only from the epoch that its caller read. */
  switchBranch(fromEpoch: number, branch: string): Promise<boolean>
  /** Every message ever stored on a branch, also when it was removed since. */
  log(branch: string): readonly Message[]
}

export function createModelHistory(id: string, ownerId: string): ModelHistory {
  const conversation: Conversation = {
    id,
    ownerId,
    encoding: 'o200k_base',
    branches: [],
    activeBranch: ROOT_BRANCH,
    branchEpoch: 0,
    selectedEpochs: {},
    heads: {},
    createdAt: 0,
    lastMessageAt: 0,
  }
  const logs = new Map<string, Message[]>()
  let removed = new Set<Message>()
  let isDeleted = false

  const logOf = (branch: string): Message[] => logs.get(branch) ?? logs.set(branch, []).get(branch) ?? []
  const stored = (): Message[] => [...logs.values()].flat().filter((message) => !removed.has(message))

  return {
    log: logOf,
    findConversations: async (owner, ids) =>
      ids.map((wanted) =>
        wanted === id && owner === ownerId && !isDeleted ? structuredClone(conversation) : undefined,
      ),
    async insertMessages(messages) {
      let inserted = 0
      for (const message of messages) {
        const isTaken = logOf(message.branch).length !== message.sequence - 1
        const key = idempotencyKey(message)
        const isReplay = key !== undefined && stored().some((other) => idempotencyKey(other) === key)
        if (isTaken || isReplay) return { inserted, duplicate: true }
        logOf(message.branch).push(message)
        inserted += 1
      }
      return { inserted, duplicate: false }
    },
    readTokenRange: async ({ branch, fromTokens, belowTokens = Number.POSITIVE_INFINITY, limit }) =>
      stored()
        .filter((message) => message.branch === branch)
        .filter(({ tokenStart }) => tokenStart >= fromTokens && tokenStart < belowTokens)
        .reverse()
        .slice(0, limit),
    findByIdempotencyKeys: async (_id, keys) =>
      stored().filter((message) => keys.includes(idempotencyKey(message) ?? '')),
    async markDeleted() {
      const wasThere = !isDeleted
      isDeleted = true
      return wasThere
    },
    async raiseHead(_id, branch, head) {
      if (head.sequence > (conversation.heads[branch]?.sequence ?? 0)) conversation.heads[branch] = head
    },
    async removeMessages() {
      const messages = stored().length
      removed = new Set([...logs.values()].flat())
      return { messages }
    },
    async switchBranch(fromEpoch, branch) {
      if (isDeleted || conversation.branchEpoch !== fromEpoch) return false
      conversation.branchEpoch += 1
      conversation.activeBranch = branch
      return true
    },
  }
}
