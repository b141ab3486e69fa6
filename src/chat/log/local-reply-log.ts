import { createDeltaPlacer, type DeltaPlacer } from './delta-placer.ts'
import type { ReplyLog, ReplyLogHandlers } from './reply-log.ts'

interface LocalReply {
  text: string
  phase: 'UNKNOWN' | 'RUNNING' | 'ENDED'
  readers: Set<LocalReader>
}

interface LocalReader {
  placer: DeltaPlacer
  /** Whether it has got the text so far. */
  isCaughtUp: boolean
  onNotify(): void
}

/** The reply log of a server that is one process: text passes at once, and nothing is stored. */
export function createLocalReplyLog(): ReplyLog {
  const replies = new Map<string, LocalReply>()

  function openReply(replyId: string): LocalReply {
    const reply: LocalReply = { text: '', phase: 'UNKNOWN', readers: new Set() }
    replies.set(replyId, reply)
    return reply
  }

  function dropIdle(replyId: string, reply: LocalReply): void {
    if (reply.phase !== 'RUNNING' && reply.readers.size === 0) replies.delete(replyId)
  }

  function write(replyId: string, offset: number, text: string): void {
    if (offset !== (replies.get(replyId)?.text.length ?? 0)) return
    const reply = replies.get(replyId) ?? openReply(replyId)
    if (reply.phase === 'ENDED') return
    reply.phase = 'RUNNING'
    reply.text += text
    for (const { placer, isCaughtUp } of reply.readers) if (isCaughtUp) placer.place({ offset, text })
  }

  function end(replyId: string, isDeleted = false): void {
    const reply = replies.get(replyId)
    if (reply === undefined) return
    reply.phase = 'ENDED'
    if (isDeleted) reply.text = ''
    notify(replyId)
    dropIdle(replyId, reply)
  }

  function notify(replyId: string): void {
    queueMicrotask(() => {
      for (const { onNotify } of replies.get(replyId)?.readers ?? []) onNotify()
    })
  }

  function follow(replyId: string, handlers: ReplyLogHandlers, from = 0): () => void {
    const reply = replies.get(replyId) ?? openReply(replyId)
    const placer = createDeltaPlacer(handlers.onText?.bind(handlers), from)
    const reader = { placer, isCaughtUp: false, onNotify: () => handlers.onNotify() }
    reply.readers.add(reader)
    queueMicrotask(() => {
      if (!reply.readers.has(reader)) return
      reader.isCaughtUp = true
      placer.place({ offset: 0, text: reply.text })
      handlers.onNotify()
    })
    return () => {
      reply.readers.delete(reader)
      dropIdle(replyId, reply)
    }
  }

  async function erase(replyId: string): Promise<boolean> {
    const reply = replies.get(replyId)
    if (reply?.phase === 'ENDED') reply.text = ''
    return true
  }

  async function close(): Promise<void> {
    replies.clear()
  }

  return { write, end, notify, follow, erase, close }
}
