import type { ReplyLog } from '../../src/chat/log/reply-log.ts'

/** A reader that keeps what it receives, and counts any gap. */
export interface ReplyReader {
  readonly text: string
  readonly notified: number
  /** Texts received twice, in whole or in part, and texts received with a gap before them. */
  readonly repeated: number
  readonly gaps: number
  stop(): void
}

/** Follows a reply from where `known`, which it has already, ends. */
export function followReply(log: ReplyLog, replyId: string, known = ''): ReplyReader {
  const received = { text: known, notified: 0, repeated: 0, gaps: 0 }
  const handlers = {
    onText(offset: number, text: string) {
      if (offset < received.text.length) received.repeated += 1
      if (offset > received.text.length) received.gaps += 1
      received.text = received.text.slice(0, offset) + text
    },
    onNotify() {
      received.notified += 1
    },
  }
  const stop = log.follow(replyId, handlers, known.length)
  return Object.assign(received, { stop })
}

/** Writes text to the log in pieces, as a run does. */
export function writeReply(log: ReplyLog, replyId: string, pieces: readonly string[], offset = 0): number {
  return pieces.reduce((place, piece) => {
    log.write(replyId, place, piece)
    return place + piece.length
  }, offset)
}
