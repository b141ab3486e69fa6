import type { ReplyLog } from './reply-log.ts'
import { createReplyPlacer, type ReplyPlacer } from './reply-placer.ts'

interface LocalReply {
  text: string
  phase: 'UNKNOWN' | 'RUNNING' | 'ENDED'
  followers: Set<LocalFollower>
}

interface LocalFollower {
  placer: ReplyPlacer
  /** Whether it was told the text so far. */
  isCaughtUp: boolean
  onWake(): void
}

/** The reply log of a server that is one process: everything is told at once and nothing is stored. */
export function createLocalReplyLog(): ReplyLog {
  const replies = new Map<string, LocalReply>()

  function openReply(replyId: string): LocalReply {
    const reply: LocalReply = { text: '', phase: 'UNKNOWN', followers: new Set() }
    replies.set(replyId, reply)
    return reply
  }

  function dropIdle(replyId: string, reply: LocalReply): void {
    if (reply.phase !== 'RUNNING' && reply.followers.size === 0) replies.delete(replyId)
  }

  function wake(replyId: string): void {
    queueMicrotask(() => {
      for (const { onWake } of replies.get(replyId)?.followers ?? []) onWake()
    })
  }

  return {
    wake,

    write(replyId, offset, text) {
      if (offset !== (replies.get(replyId)?.text.length ?? 0)) return
      const reply = replies.get(replyId) ?? openReply(replyId)
      if (reply.phase === 'ENDED') return
      reply.phase = 'RUNNING'
      reply.text += text
      for (const { placer, isCaughtUp } of reply.followers) if (isCaughtUp) placer.place({ offset, text })
    },

    end(replyId) {
      const reply = replies.get(replyId)
      if (reply === undefined) return
      reply.phase = 'ENDED'
      wake(replyId)
      dropIdle(replyId, reply)
    },

    follow(replyId, listener, from = 0) {
      const reply = replies.get(replyId) ?? openReply(replyId)
      const follower = {
        placer: createReplyPlacer(listener, from),
        isCaughtUp: false,
        onWake: () => listener.onWake(),
      }
      reply.followers.add(follower)
      queueMicrotask(() => {
        if (!reply.followers.has(follower)) return
        follower.isCaughtUp = true
        follower.placer.place({ offset: 0, text: reply.text })
        listener.onWake()
      })
      return () => {
        reply.followers.delete(follower)
        dropIdle(replyId, reply)
      }
    },

    async erase(replyId) {
      const reply = replies.get(replyId)
      if (reply?.phase === 'ENDED') reply.text = ''
      return true
    },

    async close() {
      replies.clear()
    },
  }
}
