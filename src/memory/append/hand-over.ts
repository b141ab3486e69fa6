import type { CacheGuard } from '../cache/cache-guard.ts'
import { encodeRow, joinRows } from '../cache/tail-row.ts'
import type { Conversation } from '../conversation.ts'
import type { ConversationChange } from '../events/conversation-events.ts'
import { messageId } from '../ids.ts'
import type { Head, Message } from '../message.ts'
import { divergence } from '../versions/branches.ts'
import type { Writer } from '../writer.ts'

/** Who is told of what was appended; `now` gives epoch milliseconds. */
export interface HandOverParts {
  guard: Pick<CacheGuard, 'mark'>
  writer: Pick<Writer, 'confirm' | 'raiseHead' | 'run'>
  now: () => number
  /** Told of what is durable, also of what a call stored before it failed. */
  tell: (conversationId: string, changes: readonly ConversationChange[]) => void
}

/** What an append stored, in order, and the head that it left. */
export interface StoredRun {
  conversation: Conversation
  branch: string
  /** There where the branch is not listed: nobody is to know of it. */
  fork?: unknown
  head: Head
  stored: readonly Message[]
  /** The branch that was active before; absent where that did not change. */
  leftBranch?: string
}

/** What comes after an append's acknowledgement: the cached tail, the head's hint and whoever wants to know. */
export function handOver(parts: HandOverParts, run: StoredRun): void {
  if (run.fork !== undefined) return
  const { conversation, branch, stored, leftBranch, head } = run
  if (leftBranch !== undefined) handOverSwitch(parts, conversation, leftBranch)
  if (stored.length === 0) return
  const { id, activeBranch, branchEpoch: epoch } = conversation
  for (const run of contiguousRuns(stored)) {
    const [begin] = run
    const end = run.at(-1)
    if (begin === undefined || end === undefined) continue
    const tokens = end.tokenStart + end.tokens - begin.tokenStart
    const rows = joinRows(run.map(encodeRow))
    parts.writer.confirm(id, { epoch, branch: begin.branch, first: begin.sequence, last: end.sequence, tokens, rows })
  }
  parts.writer.raiseHead(id, branch, head, parts.now())
  // What is stored on a path that nobody looks at is found when that is selected.
  if (branch !== activeBranch) return
  parts.tell(
    id,
    stored.map((message) => ({ type: 'MessageAppended', messageId: message.id })),
  )
}

/** After a switch's acknowledgement: its mark again, in case the register was lost meanwhile (A3), and its event. */
export function handOverSwitch(
  { guard, writer, tell }: Pick<HandOverParts, 'guard' | 'tell'> & { writer: Pick<Writer, 'run'> },
  conversation: Conversation,
  leftBranch: string,
): void {
  const { id, activeBranch: branch, branchEpoch: epoch } = conversation
  writer.run(id, () => guard.mark(id, { epoch, branch, sequence: 0 }))
  const begin = divergence(conversation, leftBranch, branch)
  if (begin) tell(id, [{ type: 'BranchSelected', messageId: messageId(id, begin.branch, begin.sequence) }])
}

/** The batch, cut where another writer's messages came between. */
function contiguousRuns(stored: readonly Message[]): Message[][] {
  const runs: Message[][] = []
  for (const message of stored) {
    const run = runs.at(-1)
    const previous = run?.at(-1)
    if (previous?.branch === message.branch && previous.sequence + 1 === message.sequence) run?.push(message)
    else runs.push([message])
  }
  return runs
}
