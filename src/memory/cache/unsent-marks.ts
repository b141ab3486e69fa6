import type { Mark, Register } from './cache.ts'
import { raiseRegister } from './register.ts'

/** Marks that the cache has not taken yet, merged by conversation and branch. */
export interface UnsentMarks {
  /** False when there is no room for one more conversation: then the mark is lost. */
  keep(conversationId: string, mark: Mark): boolean
  /** The register as it will be once the marks are sent. */
  raise(conversationId: string, register: Register): Register
  /**
   * Sends each once, also those that are kept meanwhile, and forgets what was taken. `send` says
   * whether a mark was taken. If many are not, the rest waits for the next time; if it rejects, nothing
   * more is sent and this rejects.
   */
  sendAll(send: SendMark): Promise<void>
  readonly size: number
}

type SendMark = (conversationId: string, mark: Mark) => Promise<boolean>

/** Round trips overlap, but a cache that has just come back is not flooded. */
const SENT_AT_ONCE = 16

/** A cache that refuses so many is not asked on, so that a long refusal costs little. */
const REFUSALS_AT_ONCE = 256

/** Marks of at most `maxConversations`. */
export function createUnsentMarks(maxConversations: number): UnsentMarks {
  const kept = new Map<string, Map<string, Mark>>()

  /** Whether all were taken. */
  async function sendMarks(conversationId: string, send: SendMark): Promise<boolean> {
    const marks = kept.get(conversationId) ?? new Map<string, Mark>()
    let taken = true
    for (const mark of [...marks.values()]) {
      if (!(await send(conversationId, mark))) taken = false
      // Raised while it was sent, it is another object, and stays.
      else if (marks.get(mark.branch) === mark) marks.delete(mark.branch)
    }
    if (marks.size === 0) kept.delete(conversationId)
    return taken
  }

  /** So that those behind them have their turn. */
  function moveBack(conversationIds: readonly string[]): void {
    for (const id of conversationIds) {
      const marks = kept.get(id)
      if (marks === undefined) continue
      kept.delete(id)
      kept.set(id, marks)
    }
  }

  return {
    keep(conversationId, mark) {
      const marks = kept.get(conversationId)
      if (marks === undefined) {
        if (kept.size >= maxConversations) return false
        kept.set(conversationId, new Map([[mark.branch, mark]]))
        return true
      }
      marks.set(mark.branch, higher(mark, marks.get(mark.branch)))
      return true
    },
    raise(conversationId, register) {
      const marks = kept.get(conversationId)
      return marks === undefined ? register : raiseRegister(register, [...marks.values()])
    },
    async sendAll(send) {
      // One iterator for all senders; a map's iterator also meets what is added behind it.
      const waiting = kept.keys()
      const refused: string[] = []
      let failed = false
      const sendWaiting = async () => {
        for (const conversationId of waiting) {
          if (failed || refused.length >= REFUSALS_AT_ONCE) return
          try {
            if (!(await sendMarks(conversationId, send))) refused.push(conversationId)
          } catch (error) {
            failed = true
            throw error
          }
        }
      }
      await Promise.all(Array.from({ length: SENT_AT_ONCE }, sendWaiting))
      moveBack(refused)
    },
    get size() {
      return kept.size
    },
  }
}

function higher(mark: Mark, present: Mark | undefined): Mark {
  if (present === undefined) return mark
  const { epoch, sequence } = present
  return { ...mark, epoch: Math.max(mark.epoch, epoch), sequence: Math.max(mark.sequence, sequence) }
}
