import type { CacheEntry, Register, Tail } from './cache.ts'
import type { CacheGuard } from './cache-guard.ts'
import type { Context, ContextRequest, ContextSource } from './context.ts'
import { createHistoryFlights, type FlightSteps, type HistoryFlights } from './history-flights.ts'
import type { Message } from './message.ts'
import type { Path, PathNeed, PathReader } from './path-reader.ts'
import { cutWindow } from './window.ts'

export interface ContextReader {
  /** Reads by protocol A1: one cache round trip for all, history for what is missing. */
  readContexts(requests: readonly ContextRequest[]): Promise<(Context | Error)[]>
}

type PathFlights = (steps: FlightSteps<PathNeed, Register | undefined, Path>) => HistoryFlights<PathNeed, Path>

/** `createFlights` is there for tests that show what joining a read already sent would break. */
export function createContextReader(
  guard: CacheGuard,
  paths: PathReader,
  createFlights: PathFlights = createHistoryFlights,
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
    const tail = request.consistency === 'EVENTUAL' ? hitTail(need) : undefined
    const hit = tail && (await paths.readHit(need, tail))
    return contextOf(request, hit ?? (await flights.join(`${conversationId} ${ownerId}`, need)))
  }

  return {
    async readContexts(requests) {
      const ids = [...new Set(requests.map(({ conversationId }) => conversationId))]
      const entries = await guard.readEntries(ids)
      const entryById = new Map(ids.map((id, index) => [id, entries?.[index]]))
      const contexts = requests.map((request) => readContext(request, entryById.get(request.conversationId)))
      return (await Promise.allSettled(contexts)).map(settled)
    },
  }
}

/** The tail if it answers without history (A1.1). A foreign one is a miss, to which history says NOT_FOUND. */
function hitTail({ entry, ownerId }: PathNeed): Tail | undefined {
  const { register, tail } = entry ?? {}
  if (register === undefined || tail === undefined || tail.ownerId !== ownerId) return undefined
  if (tail.generation !== register.generation || tail.epoch < register.epoch) return undefined
  return tail.last >= (register.marks[tail.branch] ?? 0) ? tail : undefined
}

function contextOf(request: ContextRequest, path: Path): Context {
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
function sourceOf({ cachedFrom, historyFrom }: Path, messages: readonly Message[]): ContextSource {
  const first = messages[0]?.sequence ?? historyFrom - 1
  const last = messages.at(-1)?.sequence ?? historyFrom - 1
  if (first >= cachedFrom && last < historyFrom) return 'CACHE'
  return first >= historyFrom || last < cachedFrom ? 'HISTORY' : 'CACHE_AND_HISTORY'
}

function settled(result: PromiseSettledResult<Context>): Context | Error {
  if (result.status === 'fulfilled') return result.value
  return result.reason instanceof Error ? result.reason : new Error(String(result.reason))
}
