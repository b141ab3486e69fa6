import { type Conversation, ROOT_BRANCH } from '../../../src/memory/conversation.ts'
import type { History } from '../../../src/memory/history/history.ts'
import { idempotencyKey } from '../../../src/memory/history/stored-draft.ts'
import type { Message } from '../../../src/memory/message.ts'

/** What the protocol needs of a history, for one conversation, as plainly as it can be written. */
export interface ModelHistory
  extends Pick<
    History,
    | 'findConversations'
    | 'findMessages'
    | 'insertMessages'
    | 'readTokenRange'
    | 'findByIdempotencyKeys'
    | 'switchBranch'
    | 'markDeleted'
    | 'raiseHead'
    | 'removeMessages'
    | 'markDropDue'
    | 'redactMessage'
    | 'isBranchWhole'
    | 'renewUnlistedBranch'
  > {
  /** Every message ever stored on a branch itself, also when it was removed since. */
  log(branch: string): readonly Message[]
  /** The same along the path that ends on a branch. */
  path(branch: string): readonly Message[]
  /** The branches that paths end on, the root first. */
  branches(): readonly string[]
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

  function pathOf(branch: string): readonly Message[] {
    const fork = conversation.branches.find((each) => each.id === branch)
    if (fork === undefined) return logOf(branch)
    return [...pathOf(fork.parent).filter(({ sequence }) => sequence < fork.atSequence), ...logOf(branch)]
  }

  return {
    log: logOf,
    path: pathOf,
    branches: () => [ROOT_BRANCH, ...conversation.branches.map((branch) => branch.id)],
    findConversations: async (owner, ids) =>
      ids.map((wanted) =>
        wanted === id && owner === ownerId && !isDeleted ? structuredClone(conversation) : undefined,
      ),
    findMessages: async (ids) => ids.map((wanted) => stored().find((message) => message.id === wanted)),
    async insertMessages(messages) {
      let inserted = 0
      for (const message of messages) {
        const key = idempotencyKey(message)
        const isTaken = logOf(message.branch).some(
          ({ sequence, tokenStart }) => sequence === message.sequence || tokenStart === message.tokenStart,
        )
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
    async switchBranch(_owner, _id, { fromEpoch, toEpoch, branch, newBranch }) {
      if (isDeleted || conversation.branchEpoch !== fromEpoch) return false
      conversation.branchEpoch = toEpoch
      if (newBranch !== undefined) {
        conversation.branches.push(newBranch.branch)
        conversation.heads[newBranch.branch.id] = newBranch.head
      }
      if (branch !== undefined) {
        conversation.activeBranch = branch
        conversation.selectedEpochs[branch] = toEpoch
      }
      return true
    },
    renewUnlistedBranch: async () => {},
    isBranchWhole: async () => true,
    async markDeleted() {
      const wasThere = !isDeleted
      isDeleted = true
      return wasThere
    },
    async raiseHead(_id, branch, head) {
      if (head.sequence > (conversation.heads[branch]?.sequence ?? 0)) conversation.heads[branch] = head
    },
    async markDropDue(_owner, _id, dropDue) {
      if (!isDeleted) conversation.dropDue = dropDue
      return !isDeleted
    },
    async redactMessage(wanted, parts) {
      const message = stored().find((each) => each.id === wanted)
      if (message === undefined) return undefined
      const redacted: Message = { ...message, status: 'REDACTED', parts: [...parts] }
      const log = logOf(message.branch)
      log[log.indexOf(message)] = redacted
      return redacted
    },
    async removeMessages() {
      const messages = stored().length
      removed = new Set([...logs.values()].flat())
      return { messages }
    },
  }
}
