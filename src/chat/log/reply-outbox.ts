import { setTimeout } from 'node:timers/promises'
import type { PlacedText } from './reply-placer.ts'

/** What a node has to tell of replies: their new text and wakes, a command a reply at a time. */
export interface ReplyOutbox {
  write(replyId: string, offset: number, text: string): void
  end(replyId: string): void
  wake(replyId: string): void
  /** Sends what is left, up to the first failure. */
  close(): Promise<void>
}

/** Where an outbox writes, and who is told of faults. */
export interface ReplyOutboxParts {
  /** Returns where the stored text ends, which need not be where this text does. */
  append(replyId: string, placed: PlacedText): Promise<number>
  wake(replyId: string, ended: boolean): Promise<void>
  /** A wake that could not be sent yet. */
  onUnsent(replyId: string): void
}

/** How much one write carries, and how failed ones are tried again. */
export interface ReplyOutboxLimits {
  /** How long a reply's next command waits after one that failed. */
  retryMs: number
  /** Failures in a row after which a reply that is not running is given up: others look at its record anyway. */
  mostTries: number
  /** UTF-16 units of one write at most. */
  writeLength: number
}

interface Entry {
  /** Written to, and not ended. */
  isRunning: boolean
  isEnded: boolean
  /** All of it, to write again what the store has lost. Not sliced before, since that copies all of it. */
  text: string
  /** The end of `text` that is not yet stored, as far as is known. */
  unstored: string
  stored: number
  /** Whether others are to be woken: all, or those of other nodes, since it could not be sent. */
  wake: 'NONE' | 'ALL' | 'ELSEWHERE'
  failures: number
  sending: Promise<void> | undefined
}

/** While one command of a reply is under way, all that comes is gathered for the next one. */
export function createReplyOutbox(parts: ReplyOutboxParts, limits: ReplyOutboxLimits): ReplyOutbox {
  const entries = new Map<string, Entry>()
  const closing = new AbortController()

  function find(replyId: string): Entry {
    const entry = entries.get(replyId) ?? createEntry()
    entries.set(replyId, entry)
    return entry
  }

  function send(replyId: string, entry: Entry): void {
    if (hasWork(entry) && !closing.signal.aborted) entry.sending ??= sendAll(replyId, entry)
  }

  async function sendAll(replyId: string, entry: Entry): Promise<void> {
    while (hasWork(entry)) {
      try {
        await sendNext(replyId, entry)
        entry.failures = 0
      } catch {
        entry.failures += 1
        if (entry.wake === 'ALL') {
          entry.wake = 'ELSEWHERE'
          parts.onUnsent(replyId)
        }
        if (closing.signal.aborted || (!entry.isRunning && entry.failures >= limits.mostTries)) break
        await setTimeout(limits.retryMs, undefined, { ref: false, signal: closing.signal }).catch(() => undefined)
      }
    }
    entry.sending = undefined
    if (!entry.isRunning) entries.delete(replyId)
  }

  async function sendNext(replyId: string, entry: Entry): Promise<void> {
    // An end comes behind the text.
    if (entry.wake === 'NONE' || (entry.isEnded && entry.unstored !== '')) await sendText(replyId, entry)
    else await sendWake(replyId, entry)
  }

  async function sendWake(replyId: string, entry: Entry): Promise<void> {
    const { wake } = entry
    // Before it is sent: a wake asked for meanwhile is another one.
    entry.wake = 'NONE'
    try {
      await parts.wake(replyId, entry.isEnded)
    } catch (error) {
      if (entry.wake === 'NONE') entry.wake = wake
      throw error
    }
  }

  async function sendText(replyId: string, entry: Entry): Promise<void> {
    const placed = { offset: entry.stored, text: cutText(entry.unstored, limits.writeLength) }
    const end = await parts.append(replyId, placed)
    const isAsExpected = end === placed.offset + placed.text.length
    entry.unstored = isAsExpected ? entry.unstored.slice(placed.text.length) : entry.text.slice(end)
    entry.stored = Math.min(end, entry.text.length)
  }

  return {
    write(replyId, offset, text) {
      if (offset !== (entries.get(replyId)?.text.length ?? 0)) return
      const entry = find(replyId)
      if (entry.isEnded) return
      entry.isRunning = true
      entry.text += text
      entry.unstored += text
      send(replyId, entry)
    },
    end(replyId) {
      const entry = find(replyId)
      entry.isEnded = true
      entry.isRunning = false
      entry.wake = 'ALL'
      send(replyId, entry)
    },
    wake(replyId) {
      const entry = find(replyId)
      entry.wake = 'ALL'
      send(replyId, entry)
    },
    async close() {
      closing.abort()
      await Promise.all([...entries.values()].map(({ sending }) => sending))
      entries.clear()
    },
  }
}

function createEntry(): Entry {
  const text = { text: '', unstored: '', stored: 0 }
  return { ...text, isRunning: false, isEnded: false, wake: 'NONE', failures: 0, sending: undefined }
}

function hasWork({ unstored, wake }: Entry): boolean {
  return unstored !== '' || wake !== 'NONE'
}

/** The beginning of a text, not cut within a character. */
function cutText(text: string, length: number): string {
  const isWithin = text.length > length && /[\ud800-\udbff]/.test(text.charAt(length - 1))
  return text.slice(0, isWithin ? length - 1 : length)
}
