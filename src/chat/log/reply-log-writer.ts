import { setTimeout } from 'node:timers/promises'
import type { PlacedText } from './delta-placer.ts'

/** Writes the text and the notifications of this node's replies, one command of a reply at a time. */
export interface ReplyLogWriter {
  write(replyId: string, offset: number, text: string): void
  end(replyId: string): void
  notify(replyId: string): void
  /** Sends what is left, up to the first failure. */
  close(): Promise<void>
}

/** Where an writer writes, and who is told of faults. */
export interface ReplyLogWriterDeps {
  /** Returns where the stored text ends, which need not be where this text does. */
  append(replyId: string, placed: PlacedText): Promise<number>
  notify(replyId: string, ended: boolean): Promise<void>
  /** A notification could not be sent yet. */
  onUnsent(replyId: string): void
}

/** How much one write carries, and how failed ones are tried again. */
export interface ReplyLogWriterLimits {
  /** How long a reply's next command waits after one that failed. */
  retryMs: number
  /** Failures in a row after which a reply that is not running is given up: others poll its record anyway. */
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
  /** Who is still to be notified: all, or the readers on other nodes, since it could not be sent. */
  pending: 'NONE' | 'ALL' | 'ELSEWHERE'
  failures: number
  sending: Promise<void> | undefined
}

/** While one command of a reply is under way, all that comes is gathered for the next one. */
export function createReplyLogWriter(deps: ReplyLogWriterDeps, limits: ReplyLogWriterLimits): ReplyLogWriter {
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
        if (entry.pending === 'ALL') {
          entry.pending = 'ELSEWHERE'
          deps.onUnsent(replyId)
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
    if (entry.pending === 'NONE' || (entry.isEnded && entry.unstored !== '')) await sendText(replyId, entry)
    else await sendNotification(replyId, entry)
  }

  async function sendNotification(replyId: string, entry: Entry): Promise<void> {
    const { pending } = entry
    // Before it is sent: one that is requested meanwhile is another one.
    entry.pending = 'NONE'
    try {
      await deps.notify(replyId, entry.isEnded)
    } catch (error) {
      if (entry.pending === 'NONE') entry.pending = pending
      throw error
    }
  }

  async function sendText(replyId: string, entry: Entry): Promise<void> {
    const placed = { offset: entry.stored, text: cutText(entry.unstored, limits.writeLength) }
    const end = await deps.append(replyId, placed)
    const isAsExpected = end === placed.offset + placed.text.length
    entry.unstored = isAsExpected ? entry.unstored.slice(placed.text.length) : entry.text.slice(end)
    entry.stored = Math.min(end, entry.text.length)
  }

  function write(replyId: string, offset: number, text: string): void {
    if (offset !== (entries.get(replyId)?.text.length ?? 0)) return
    const entry = find(replyId)
    if (entry.isEnded) return
    entry.isRunning = true
    entry.text += text
    entry.unstored += text
    send(replyId, entry)
  }

  function end(replyId: string): void {
    const entry = find(replyId)
    entry.isEnded = true
    entry.isRunning = false
    entry.pending = 'ALL'
    send(replyId, entry)
  }

  function notify(replyId: string): void {
    const entry = find(replyId)
    entry.pending = 'ALL'
    send(replyId, entry)
  }

  async function close(): Promise<void> {
    closing.abort()
    await Promise.all([...entries.values()].map(({ sending }) => sending))
    entries.clear()
  }

  return { write, end, notify, close }
}

function createEntry(): Entry {
  const text = { text: '', unstored: '', stored: 0 }
  return { ...text, isRunning: false, isEnded: false, pending: 'NONE', failures: 0, sending: undefined }
}

function hasWork({ unstored, pending }: Entry): boolean {
  return unstored !== '' || pending !== 'NONE'
}

/** The beginning of a text, not cut within a character. */
function cutText(text: string, length: number): string {
  const isWithin = text.length > length && /[\ud800-\udbff]/.test(text.charAt(length - 1))
  return text.slice(0, isWithin ? length - 1 : length)
}
