import type { CacheGuard } from '../cache/cache-guard.ts'
import { encodeRows } from '../cache/tail-row.ts'
import { type Conversation, headHint } from '../conversation.ts'
import type { ConversationChange } from '../events/conversation-events.ts'
import { messageId } from '../ids.ts'
import type { Head, Message } from '../message.ts'
import { divergence } from '../versions/branches.ts'
import type { Writer } from '../writer.ts'
import type { KnownHeads } from './known-heads.ts'

/** Where the background work of an append goes; `now` returns epoch milliseconds. */
export interface AfterAppendDeps {
  guard: Pick<CacheGuard, 'mark'>
  writer: Pick<Writer, 'confirm' | 'raiseHead' | 'run'>
  heads: Pick<KnownHeads, 'raise'>
  now: () => number
  /** Of a tail. */
  tailTokens: number
  /** Gets the events of what is durable, also of what a call stored before it failed. */
  publish: (conversationId: string, changes: readonly ConversationChange[]) => void
}

/** What an append stored, in order, and the head that it left. */
export interface StoredAppend {
  conversation: Conversation
  branch: string
  /** Set while the branch is not listed: nothing of it may be seen. */
  newBranch?: unknown
  head: Head
  stored: readonly Message[]
  /** The branch that was active before; absent where that did not change. */
  leftBranch?: string
}

/**
 * Schedules what follows an append's acknowledgement: the cached tail, the head's hint and the events. `arrivedAt` is
 * what the hint says of `lastMessageAt`.
 */
export function afterAppend(deps: AfterAppendDeps, append: StoredAppend, arrivedAt = deps.now()): void {
  if (append.newBranch !== undefined) return
  const { conversation, branch, stored, leftBranch, head } = append
  if (leftBranch !== undefined) afterSwitch(deps, conversation, leftBranch)
  if (stored.length === 0) return
  const { id, activeBranch, branchEpoch: epoch } = conversation
  for (const batch of contiguousBatches(stored)) {
    const [first] = batch
    const last = batch.at(-1)
    if (first === undefined || last === undefined) continue
    const tokens = last.tokenStart + last.tokens - first.tokenStart
    const rows = encodeRows(batch, deps.tailTokens)
    deps.writer.confirm(id, { epoch, branch: first.branch, first: first.sequence, last: last.sequence, tokens, rows })
  }
  deps.heads.raise(id, branch, head, arrivedAt)
  deps.writer.raiseHead(id, branch, head, arrivedAt)
  // Messages of an inactive path have no event: they are read when the path is selected.
  if (branch !== activeBranch) return
  deps.publish(
    id,
    stored.map((message) => ({ type: 'MessageAppended', messageId: message.id })),
  )
}

/** Schedules what follows a switch: its mark again, in case the register was lost meanwhile (A3), and its event. */
export function afterSwitch(
  { guard, writer, publish }: Pick<AfterAppendDeps, 'guard' | 'publish'> & { writer: Pick<Writer, 'run'> },
  conversation: Conversation,
  leftBranch: string,
): void {
  const { id, activeBranch: branch, branchEpoch: epoch } = conversation
  writer.run(id, () => guard.mark(id, { epoch, branch, sequence: 0 }))
  const first = divergence(conversation, leftBranch, branch)
  if (first === undefined) return
  const newestId = messageId(id, branch, headHint(conversation, branch).sequence)
  publish(id, [{ type: 'BranchSelected', messageId: messageId(id, first.branch, first.sequence), newestId }])
}

/** The stored messages, cut where another writer's messages came between. */
function contiguousBatches(stored: readonly Message[]): Message[][] {
  const batches: Message[][] = []
  for (const message of stored) {
    const batch = batches.at(-1)
    const previous = batch?.at(-1)
    if (previous?.branch === message.branch && previous.sequence + 1 === message.sequence) batch?.push(message)
    else batches.push([message])
  }
  return batches
}
