import type { CacheEntry, Register, Tail } from '../cache/cache.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import type { Consistency, Context, ContextRequest, ContextSource } from '../context.ts'
import { type Conversation, headHint } from '../conversation.ts'
import type { History } from '../history/history.ts'
import type { Message } from '../message.ts'
import type { Path } from './path.ts'
import { findConversation, type PathNeed, type PathReader } from './path-reader.ts'
import { createSingleFlightReads, type ReadSteps, type SingleFlightReads } from './single-flight-reads.ts'
import { cutWindow } from './window.ts'

/** Reads contexts, and active paths, from the cache where it can. */
export interface ContextReader {
  /** Reads by protocol A1: one cache round trip for all, history for what is missing. */
  readContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]>
  /** The active path, in one round trip of both stores when the cache holds it. */
  readActivePath(
    ownerId: string,
    conversationId: string,
    maxTokens: number,
    consistency: Consistency,
  ): Promise<{ conversation: Conversation; path: Path }>
}

type PathFlights = (steps: ReadSteps<PathNeed, Register | undefined, Path>) => SingleFlightReads<PathNeed, Path>

/** `createFlights` is there for tests that show what joining a read already sent would break. */
export function createContextReader(
  { guard, history, now }: { guard: CacheGuard; history: History; now: () => number },
  paths: PathReader,
  createFlights: PathFlights = createSingleFlightReads,
): ContextReader {
  const flights = createFlights({
    // The entry of who joins last: it is never older than a drop that one of the readers saw.
    merge: (planned, joining) => ({ ...joining, maxTokens: Math.max(planned.maxTokens, joining.maxTokens) }),
    // A register must be there before history is read: its generation is the fill's (A1.2).
    prepare: async ({ conversationId, entry }) => entry && (entry.register ?? (await guard.open(conversationId))),
    send: (need, register) => paths.readHistory(need, register),
  })

  async function readContext(request: ContextRequest, entry: CacheEntry | undefined): Promise<Context> {
    const { ownerId, conversationId, maxTokens } = request
    const need = { ownerId, conversationId, maxTokens, entry }
    const tail = request.consistency === 'EVENTUAL' ? hitTail(need, now()) : undefined
    const hit = tail && (await paths.readHit(need, tail))
    return contextOf(request, hit ?? (await flights.join(flightKey(need), need)))
  }

  return {
    async readActivePath(ownerId, conversationId, maxTokens, consistency) {
      const [entries, conversation] = await Promise.all([
        guard.readEntries([conversationId]),
        findConversation(history, ownerId, conversationId),
      ])
      const need = { ownerId, conversationId, maxTokens, entry: entries?.[0] }
      const tail = consistency === 'EVENTUAL' ? hitTail(need, now()) : undefined
      const hit = tail && isOfNow(tail, conversation) ? await paths.readHit(need, tail) : undefined
      const path = hit ?? (await flights.join(flightKey(need), need))
      return { conversation: path.conversation ?? conversation, path }
    },

    async readContexts(requests) {
      const ids = [...new Set(requests.map(({ conversationId }) => conversationId))]
      const entries = await guard.readEntries(ids)
      const entryById = new Map(ids.map((id, index) => [id, entries?.[index]]))
      return Promise.all(
        requests.map((request) => readContext(request, entryById.get(request.conversationId)).catch(asError)),
      )
    },
  }
}

/** Both are texts of clients or about them: joined by a mere space, two readers' pairs could be one key. */
function flightKey({ conversationId, ownerId }: PathNeed): string {
  return JSON.stringify([conversationId, ownerId])
}

/** The tail if it answers without history (A1.1). A foreign or ended one is a miss, to which history says NOT_FOUND. */
function hitTail({ entry, ownerId }: PathNeed, now: number): Tail | undefined {
  const { register, tail } = entry ?? {}
  if (register === undefined || tail === undefined || tail.ownerId !== ownerId) return undefined
  if (tail.expiresAt !== undefined && tail.expiresAt <= now) return undefined
  if (tail.generation !== register.generation || tail.epoch < register.epoch) return undefined
  return tail.last >= (register.marks[tail.branch] ?? 0) ? tail : undefined
}

/** Whether a hit can be what the conversation's document says: its branch, its epoch, and no older than the hint. */
function isOfNow(tail: Tail, conversation: Conversation): boolean {
  const { activeBranch, branchEpoch } = conversation
  const hint = headHint(conversation, activeBranch)
  return tail.branch === activeBranch && tail.epoch >= branchEpoch && tail.last >= hint.sequence
}

/** The window of a path, with its report. */
export function contextOf(request: Omit<ContextRequest, 'ownerId' | 'consistency'>, path: Path): Context {
  const { rows: messages, ...report } = cutWindow(path.messages, path.head, request)
  return {
    conversationId: request.conversationId,
    messages,
    maxTokens: request.maxTokens,
    tokensExact: messages.every(isPlainText),
    source: sourceOf(path, messages),
    ...report,
  }
}

function isPlainText({ parts }: Message): boolean {
  return parts.every(({ type }) => type === 'text')
}

/** Where the window's messages came from; for an empty window, what said that it is empty. */
function sourceOf({ conversation, cachedFrom, historyFrom }: Path, messages: readonly Message[]): ContextSource {
  const [oldest] = messages
  if (oldest === undefined) return conversation === undefined ? 'CACHE' : 'HISTORY'
  const first = oldest.sequence
  const last = first + messages.length - 1
  if (first >= cachedFrom && last < historyFrom) return 'CACHE'
  return first >= historyFrom || last < cachedFrom ? 'HISTORY' : 'CACHE_AND_HISTORY'
}

function asError(fault: unknown): Error {
  return fault instanceof Error ? fault : new Error(String(fault))
}
