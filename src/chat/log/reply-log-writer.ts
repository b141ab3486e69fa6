import type { PlacedText } from './delta-placer.ts'
import type { RetryGate } from './retry-gate.ts'

/** Writes the text and the notifications of this node's replies, one command of a reply at a time. */
export interface ReplyLogWriter {
  write(replyId: string, offset: number, text: string): void
  end(replyId: string, isDeleted?: boolean): void
  notify(replyId: string): void
  /** Forgets a reply's text, and takes no more of it: it is erased. */
  discard(replyId: string): void
  /** Sends what is left, up to the first failure. */
  close(): Promise<void>
}

/** What becomes of the stored text: it stays, expires soon, or is erased with its conversation. */
export type ReplyLogState = 'RUNNING' | 'ENDED' | 'DELETED'

/** Where a writer writes, and which faults it reports. */
export interface ReplyLogWriterDeps {
  gate: Pick<RetryGate, 'wait'>
  /** Returns where the stored text ends, which need not be where this text does. Undefined: it is erased. */
  append(replyId: string, placed: PlacedText): Promise<number | undefined>
  notify(replyId: string, state: ReplyLogState): Promise<void>
  /** Deletes what is stored, so that all is written anew. */
  clear(replyId: string): Promise<void>
  /** A notification could not be sent yet. */
  onUnsent(replyId: string): void
}

/** How much one write carries, and how failed ones are retried. */
export interface ReplyLogWriterLimits {
  /** Text that comes within so long of other text is written with it. */
  gatherMs: number
  /** Failures in a row after which a reply that is not running is given up: others poll its record anyway. */
  mostTries: number
  /** UTF-16 units of one write at most. */
  writeLength: number
}

interface Entry {
  /** Written to, and not ended. */
  isRunning: boolean
  state: ReplyLogState
  /** All of it, to write again what the store has lost. Not sliced before, since that copies all of it. */
  text: string
  /** The end of `text` that is not yet stored, as far as is known. */
  unstored: string
  stored: number
  /** Who is still to be notified: all, or the readers on other nodes, since it could not be sent. */
  pending: 'NONE' | 'ALL' | 'ELSEWHERE'
  failures: number
  /** For a retry: nothing is sent until then. */
  isWaiting: boolean
  sending: Promise<void> | undefined
}

/**
 * Text is gathered for `gatherMs`, by one timer for all replies, and while a command of its reply is under way; so a
 * reply writes once in that time, whatever its model's pace. Ends and notifications go at once.
 */
export function createReplyLogWriter(deps: ReplyLogWriterDeps, limits: ReplyLogWriterLimits): ReplyLogWriter {
  const entries = new Map<string, Entry>()
  const gathered = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let isClosing = false

  function find(replyId: string): Entry {
    const entry = entries.get(replyId) ?? createEntry()
    entries.set(replyId, entry)
    return entry
  }

  function gather(replyId: string): void {
    if (isClosing) return
    gathered.add(replyId)
    timer ??= setTimeout(sendGathered, limits.gatherMs)
  }

  function sendGathered(): void {
    clearTimeout(timer)
    timer = undefined
    const replyIds = [...gathered]
    gathered.clear()
    for (const replyId of replyIds) send(replyId)
  }

  function send(replyId: string): void {
    const entry = entries.get(replyId)
    if (entry === undefined || entry.isWaiting || !hasWork(entry)) return
    entry.sending ??= sendAll(replyId, entry)
  }

  /** What is due; text that comes meanwhile is gathered for the next time. */
  async function sendAll(replyId: string, entry: Entry): Promise<void> {
    try {
      do await sendNext(replyId, entry)
      while (isDue(entry, limits) || (isClosing && hasWork(entry)))
      entry.failures = 0
    } catch {
      retryLater(replyId, entry)
    }
    entry.sending = undefined
    if (!entry.isWaiting && hasWork(entry)) gather(replyId)
    if (!entry.isRunning && !entry.isWaiting && !hasWork(entry)) entries.delete(replyId)
  }

  function retryLater(replyId: string, entry: Entry): void {
    if (entry.pending === 'ALL') {
      entry.pending = 'ELSEWHERE'
      deps.onUnsent(replyId)
    }
    countFailure(replyId, entry)
    if (isClosing || entries.get(replyId) !== entry) return
    entry.isWaiting = true
    const cancel = deps.gate.wait({
      retry() {
        entry.isWaiting = false
        send(replyId)
      },
      onMissed() {
        countFailure(replyId, entry)
        if (entries.get(replyId) !== entry) cancel()
      },
    })
  }

  function countFailure(replyId: string, entry: Entry): void {
    entry.failures += 1
    if (!entry.isRunning && entry.failures >= limits.mostTries) entries.delete(replyId)
  }

  async function sendNext(replyId: string, entry: Entry): Promise<void> {
    // An end comes behind the text.
    if (entry.pending === 'NONE' || (entry.state !== 'RUNNING' && entry.unstored !== '')) await sendText(replyId, entry)
    else await sendNotification(replyId, entry)
  }

  async function sendNotification(replyId: string, entry: Entry): Promise<void> {
    const { pending } = entry
    // Before it is sent: one that is requested meanwhile is another one.
    entry.pending = 'NONE'
    try {
      await deps.notify(replyId, entry.state)
    } catch (error) {
      if (entry.pending === 'NONE') entry.pending = pending
      throw error
    }
  }

  async function sendText(replyId: string, entry: Entry): Promise<void> {
    const placed = { offset: entry.stored, text: cutText(entry.unstored, limits.writeLength) }
    let end = await deps.append(replyId, placed)
    // Erased, or discarded meanwhile.
    if (end === undefined || entry.text === '') return discardText(entry)
    if (end > entry.text.length) {
      // More than was ever written is junk: nothing would be stored behind it.
      await deps.clear(replyId)
      end = 0
    }
    const isAsExpected = end === placed.offset + placed.text.length
    entry.unstored = isAsExpected ? entry.unstored.slice(placed.text.length) : entry.text.slice(end)
    entry.stored = Math.min(end, entry.text.length)
  }

  function write(replyId: string, offset: number, text: string): void {
    if (offset !== (entries.get(replyId)?.text.length ?? 0)) return
    const entry = find(replyId)
    if (entry.state !== 'RUNNING') return
    entry.isRunning = true
    entry.text += text
    entry.unstored += text
    gather(replyId)
  }

  function end(replyId: string, isDeleted = false): void {
    const entry = find(replyId)
    entry.state = isDeleted ? 'DELETED' : 'ENDED'
    entry.isRunning = false
    if (isDeleted) discardText(entry)
    entry.pending = 'ALL'
    send(replyId)
  }

  function notify(replyId: string): void {
    const entry = find(replyId)
    entry.pending = 'ALL'
    send(replyId)
  }

  function discard(replyId: string): void {
    const entry = entries.get(replyId)
    if (entry !== undefined) discardText(entry)
  }

  async function close(): Promise<void> {
    isClosing = true
    for (const [replyId, entry] of entries) if (hasWork(entry)) gathered.add(replyId)
    sendGathered()
    await Promise.all([...entries.values()].map(({ sending }) => sending))
    entries.clear()
  }

  return { write, end, notify, discard, close }
}

function createEntry(): Entry {
  const text = { text: '', unstored: '', stored: 0 }
  return {
    ...text,
    isRunning: false,
    state: 'RUNNING',
    pending: 'NONE',
    failures: 0,
    isWaiting: false,
    sending: undefined,
  }
}

/** What is written behind it does not begin where nothing ends, and is ignored. */
function discardText(entry: Entry): void {
  entry.text = ''
  entry.unstored = ''
}

function hasWork({ unstored, pending }: Entry): boolean {
  return unstored !== '' || pending !== 'NONE'
}

/** Whether something must not wait for more: a notification, or a write that is full. */
function isDue({ unstored, pending }: Entry, { writeLength }: ReplyLogWriterLimits): boolean {
  return pending !== 'NONE' || unstored.length >= writeLength
}

/** The beginning of a text, not cut within a character. */
function cutText(text: string, length: number): string {
  const isWithin = text.length > length && /[\ud800-\udbff]/.test(text.charAt(length - 1))
  return text.slice(0, isWithin ? length - 1 : length)
}
