import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { ReplyRuns } from '../run/reply-runs.ts'
import { followReply, type ReplyFollowerParts } from './follow-reply.ts'
import type { ReplyView } from './reply-view.ts'

/** A view that somebody looks at, and how to let go of it. */
export interface OpenReply {
  view: ReplyView
  release: () => void
}

/** The views of replies: that of the run where it is here, else one that follows it, shared by all who look. */
export interface ReplyViews {
  open(record: ReplyRecord): OpenReply
}

/** Views that are shared by all who listen to a reply on this node. */
export function createReplyViews(
  parts: ReplyFollowerParts & { runs: Pick<ReplyRuns, 'find'> },
  limits: { checkpointMs: number },
): ReplyViews {
  const followers = new Map<string, OpenReply & { listeners: number }>()

  function follow(record: ReplyRecord): OpenReply {
    const follower = followReply(parts, { pollMs: limits.checkpointMs }, record)
    const release = () => {
      const following = followers.get(record.id)
      if (following === undefined) return
      following.listeners -= 1
      if (following.listeners > 0) return
      followers.delete(record.id)
      follower.stop()
    }
    return { view: follower.view, release }
  }

  return {
    open(record) {
      const here = parts.runs.find(record.id)
      if (here !== undefined) return { view: here.view, release() {} }
      const following = followers.get(record.id) ?? { ...follow(record), listeners: 0 }
      followers.set(record.id, following)
      following.listeners += 1
      return following
    },
  }
}
