import type { ReplyChanges } from '../../memory/history/reply-record.ts'

/** What the renewals of a run's lease save (protocol B3). */
export interface ReplyCheckpoint {
  /** The text, and, until it is saved, what a finisher elsewhere would lack. */
  state(): Promise<ReplyChanges>
  /** Whether that is more than is saved. */
  hasNews(): boolean
  /** The state that was asked for last is saved. */
  onSaved(): void
}

/** The run as its renewals see it. */
export interface ReplyCheckpointDeps {
  content: { readonly text: string }
  /** What does not change any more, and is saved once. */
  facts(): Promise<ReplyChanges>
}

/** What is to be saved of one run, and how much of it is. */
export function createReplyCheckpoint({ content, facts }: ReplyCheckpointDeps): ReplyCheckpoint {
  let areFactsSaved = false
  let sentLength = 0
  let savedLength = 0

  async function state(): Promise<ReplyChanges> {
    const { text } = content
    sentLength = text.length
    return { text, ...(!areFactsSaved && (await facts())) }
  }

  function hasNews(): boolean {
    return !areFactsSaved || content.text.length > savedLength
  }

  function onSaved(): void {
    areFactsSaved = true
    savedLength = sentLength
  }

  return { state, hasNews, onSaved }
}
