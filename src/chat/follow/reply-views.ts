import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import type { ReplyRuns } from '../run/reply-runs.ts'
import { followReply, type ReplyFollowerDeps } from './follow-reply.ts'
import type { ReplyView } from './reply-view.ts'

/** A view for one subscriber; `release` when it leaves. */
export interface OpenReply {
  view: ReplyView
  release: () => void
}

/** The views of replies: that of the run where it is here, else that of a follower, shared by all subscribers. */
export interface ReplyViews {
  open(record: ReplyRecord): OpenReply
}

/** Views that all subscribers of a reply on this node share. */
export function createReplyViews(
  deps: ReplyFollowerDeps & { runs: Pick<ReplyRuns, 'find'> },
  limits: { checkpointMs: number },
): ReplyViews {
  const followers = new Map<string, OpenReply & { subscribers: number }>()

  function follow(record: ReplyRecord): OpenReply {
    const follower = followReply(deps, { pollMs: limits.checkpointMs }, record)
    const release = () => {
      const following = followers.get(record.id)
      if (following === undefined) return
      following.subscribers -= 1
      if (following.subscribers > 0) return
      followers.delete(record.id)
      follower.stop()
    }
    return { view: follower.view, release }
  }

  function open(record: ReplyRecord): OpenReply {
    const here = deps.runs.find(record.id)
    if (here !== undefined) return { view: here.view, release() {} }
    const following = followers.get(record.id) ?? { ...follow(record), subscribers: 0 }
    followers.set(record.id, following)
    following.subscribers += 1
    return following
  }

  return { open }
}
