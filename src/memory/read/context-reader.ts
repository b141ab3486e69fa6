import { QueryTooComplexError } from '../../errors.ts'
import type { CacheGuard } from '../cache/cache-guard.ts'
import type { Consistency, Context, ContextRequest } from '../context.ts'
import type { Conversation } from '../conversation.ts'
import type { History } from '../history/history.ts'
import { contextOf } from '../prompt.ts'
import type { Path } from './path.ts'
import { findConversation, type PathReader } from './path-reader.ts'
import { createSingleFlightReads, type ReadSteps, type SingleFlightReads } from './single-flight-reads.ts'
import { hitTail, isOfDocument, type PathNeed } from './usable-tail.ts'

/** What contexts are read with; `now` gives epoch milliseconds. */
export interface ContextReaderDeps {
  guard: Pick<CacheGuard, 'readEntries' | 'openEntry'>
  history: Pick<History, 'findConversations'>
  now: () => number
}

/** Reads contexts, and active paths, from the cache where it can. */
export interface ContextReader {
  /** Reads by protocol A1: one cache round trip for all, history for what is missing. Never rejects. */
  readContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]>
  /**
   * The active path with the conversation's document, as a send needs both (protocol A1): in one round trip
   * of both stores when the cache holds it, else in one more of the history. Rejects with NotFoundError.
   */
  readActivePath(
    ownerId: string,
    conversationId: string,
    maxTokens: number,
    consistency: Consistency,
  ): Promise<{ conversation: Conversation; path: Path }>
}

/** A need of one of several readers, whose entries were read at different times. */
interface SharedNeed extends PathNeed {
  /** Counts the reads of the cache in the order in which they were sent. */
  entrySentAs: number
}

type CreateReads = (steps: ReadSteps<SharedNeed, Path>) => SingleFlightReads<SharedNeed, Path>

/**
 * A context of which more than `maxLength` characters must be read from history is refused with QueryTooComplexError.
 * `createReads` is there for tests that show what another way of sharing reads would break.
 */
export function createContextReader(
  { guard, history, now }: ContextReaderDeps,
  paths: PathReader,
  maxLength?: number,
  createReads: CreateReads = createSingleFlightReads,
): ContextReader {
  /** How many tokens the shared read was for that was refused. */
  const refused = new WeakMap<QueryTooComplexError, number>()
  const reads = createReads({ merge: mergeNeeds, send: readHistory })
  let entriesSent = 0

  async function readContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]> {
    const ids = [...new Set(requests.map(({ conversationId }) => conversationId))]
    entriesSent += 1
    const entrySentAs = entriesSent
    const entries = await guard.readEntries(ids)
    const entryById = new Map(ids.map((id, index) => [id, entries?.[index]]))
    return Promise.all(
      requests.map((request) => {
        const { ownerId, conversationId, maxTokens, consistency } = request
        const entry = entryById.get(conversationId)
        const isStrong = consistency === 'STRONG'
        const need = {
          ownerId,
          conversationId,
          maxTokens,
          isStrong,
          entry,
          ...(maxLength !== undefined && { maxLength }),
        }
        return readContext(request, { ...need, entrySentAs }).catch(asError)
      }),
    )
  }

  async function readContext(request: ContextRequest, need: SharedNeed): Promise<Context> {
    const tail = hitTail(need, now())
    const hit = tail && (await paths.readHit(need, tail))
    return contextOf(request, hit ?? (await readShared(need)))
  }

  /** What was refused for the wider window of another reader is read anew, shared with those of this one's alone. */
  async function readShared(need: SharedNeed): Promise<Path> {
    try {
      return await reads.join(keyOf(need), need)
    } catch (error) {
      const isOthers = error instanceof QueryTooComplexError && (refused.get(error) ?? 0) > need.maxTokens
      if (!isOthers) throw error
      return await reads.join(keyOf(need, need.maxTokens), need)
    }
  }

  async function readHistory(need: SharedNeed): Promise<Path> {
    try {
      return await paths.readHistory(need)
    } catch (error) {
      if (error instanceof QueryTooComplexError) refused.set(error, need.maxTokens)
      throw error
    }
  }

  async function readActivePath(
    ownerId: string,
    conversationId: string,
    maxTokens: number,
    consistency: Consistency,
  ): Promise<{ conversation: Conversation; path: Path }> {
    const isStrong = consistency === 'STRONG'
    const [entry, conversation] = await Promise.all([
      guard.openEntry(conversationId),
      findConversation(history, ownerId, conversationId, { isStrong }),
    ])
    const need = { ownerId, conversationId, maxTokens, isStrong, entry }
    const tail = hitTail(need, now())
    const hit = tail && isOfDocument(tail, conversation) ? await paths.readHit(need, tail, conversation) : undefined
    // Shared with nobody: its document is read already.
    const path = hit ?? (await paths.readActive(need, conversation))
    return { conversation: path.conversation ?? conversation, path }
  }

  return { readContexts, readActivePath }
}

/**
 * The entry that was sent last, whoever joined last: an older one may hold what was dropped before another
 * of the readers began.
 */
function mergeNeeds(planned: SharedNeed, joining: SharedNeed): SharedNeed {
  const latest = joining.entrySentAs > planned.entrySentAs ? joining : planned
  const maxTokens = Math.max(planned.maxTokens, joining.maxTokens)
  return { ...latest, maxTokens, isStrong: planned.isStrong || joining.isStrong }
}

/** Both are texts of clients or about them: joined by a mere space, two readers' pairs could be one key. */
function keyOf({ conversationId, ownerId }: PathNeed, maxTokens?: number): string {
  return JSON.stringify([conversationId, ownerId, maxTokens])
}

function asError(fault: unknown): Error {
  return fault instanceof Error ? fault : new Error(String(fault))
}
