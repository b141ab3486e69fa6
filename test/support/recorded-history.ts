import type { History } from '../../src/memory/history/history.ts'
import type { Message } from '../../src/memory/message.ts'

export interface RecordedHistory extends History {
  /** Names of the methods called since the last `resetCounts`, in order. */
  readonly calls: string[]
  /** How many messages the range reads have returned since then. */
  readonly messagesRead: number
  /** Called before each; while it waits, the method does. */
  before: (operation: string) => Promise<void> | void
  resetCounts(): void
}

/** A history that records what it is asked; `change` may replace methods of the one below. */
export function recordHistory(history: History, change: (history: History) => Partial<History>): RecordedHistory {
  const calls: string[] = []
  let messagesRead = 0
  const changed = { ...history, ...change(history) }
  const countRead = async (reading: Promise<Message[]>): Promise<Message[]> => {
    const messages = await reading
    messagesRead += messages.length
    return messages
  }
  const counted = {
    ...changed,
    readTokenRange: (range) => countRead(changed.readTokenRange(range)),
    async readSequenceRange(range) {
      const run = await changed.readSequenceRange(range)
      messagesRead += run.messages.length
      return run
    },
  } satisfies History
  const recorded: RecordedHistory = {
    ...recordCalls(counted, calls, (operation) => recorded.before(operation)),
    calls,
    before: () => {},
    get messagesRead() {
      return messagesRead
    },
    resetCounts() {
      calls.length = 0
      messagesRead = 0
    },
  }
  return recorded
}

/** The same methods, each of which notes its name first. */
export function recordCalls<T extends object>(
  store: T,
  calls: string[],
  before: RecordedHistory['before'] = () => {},
): T {
  return new Proxy(store, {
    get(target, name, receiver) {
      const method: unknown = Reflect.get(target, name, receiver)
      if (typeof method !== 'function') return method
      return (...args: unknown[]) => {
        calls.push(String(name))
        const waiting = before(String(name))
        return waiting === undefined ? method(...args) : waiting.then(() => method(...args))
      }
    },
  })
}
