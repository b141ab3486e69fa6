import { encodeRow, joinRows } from './cache/tail.ts'
import type { Conversation } from './conversation.ts'
import type { Head, Message } from './message.ts'
import type { Writer } from './writer.ts'

/** Who is told of what was appended. */
export interface HandOverParts {
  writer: Pick<Writer, 'confirm' | 'raiseHead'>
  now: () => number
  /** Told of new messages once they are durable, also of those that a call stored before it failed. */
  onStored: (conversationId: string, stored: readonly Message[]) => void
}

/** What an append stored, in order, and the head that it left. */
export interface StoredRun {
  conversation: Conversation
  head: Head
  stored: readonly Message[]
}

/** What comes after an append's acknowledgement: the cached tail, the head's hint and whoever wants to know. */
export function handOver({ writer, now, onStored }: HandOverParts, { conversation, head, stored }: StoredRun): void {
  if (stored.length === 0) return
  const { id, activeBranch, branchEpoch: epoch } = conversation
  for (const run of contiguousRuns(stored)) {
    const [begin] = run
    const end = run.at(-1)
    if (begin === undefined || end === undefined) continue
    const tokens = end.tokenStart + end.tokens - begin.tokenStart
    const rows = joinRows(run.map(encodeRow))
    writer.confirm(id, { epoch, branch: begin.branch, first: begin.sequence, last: end.sequence, tokens, rows })
  }
  writer.raiseHead(id, activeBranch, head, now())
  onStored(id, stored)
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
