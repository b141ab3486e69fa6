import { LRUCache } from 'lru-cache'
import { ConversationUnreadableError } from './errors.ts'
import type { Log } from './log.ts'

/** A conversation stays unreadable until somebody mends it: a line an hour tells of one that is read all the time. */
const AGAIN_AFTER_MS = 3_600_000
/** Of more unreadable conversations some have a line too many. */
const CONVERSATIONS = 10_000

/**
 * The same log, where an unreadable conversation is one error line with its id and the reason, whoever meets it and
 * however often. Whatever else would be logged of it goes to debug.
 */
export function logUnreadableOnce(log: Log, now: () => number): Log {
  const loggedAt = new LRUCache<string, number>({ max: CONVERSATIONS })

  function method(level: keyof Log): Log[keyof Log] {
    return (...values: unknown[]) => {
      const error = unreadableOf(values[0])
      if (error === undefined || level === 'debug') log[level](...(values as [object, string]))
      else write(error)
    }
  }

  function write({ conversationId, reason }: ConversationUnreadableError): void {
    const isKnown = now() - (loggedAt.get(conversationId) ?? Number.NEGATIVE_INFINITY) < AGAIN_AFTER_MS
    if (!isKnown) loggedAt.set(conversationId, now())
    log[isKnown ? 'debug' : 'error']({ conversationId, reason }, 'a conversation cannot be read')
  }

  return { debug: method('debug'), info: method('info'), warn: method('warn'), error: method('error') }
}

function unreadableOf(fields: unknown): ConversationUnreadableError | undefined {
  const error = typeof fields === 'object' && fields !== null && 'err' in fields ? fields.err : undefined
  return error instanceof ConversationUnreadableError ? error : undefined
}
