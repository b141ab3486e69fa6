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
export interface ReplyCheckpointParts {
  content: { readonly text: string }
  /** What does not change any more, and is saved once. */
  facts(): Promise<ReplyChanges>
}

/** Nothing is saved yet. */
export function createReplyCheckpoint({ content, facts }: ReplyCheckpointParts): ReplyCheckpoint {
  let areFactsSaved = false
  let sentLength = 0
  let savedLength = 0
  return {
    async state() {
      const { text } = content
      sentLength = text.length
      return { text, ...(!areFactsSaved && (await facts())) }
    },
    hasNews: () => !areFactsSaved || content.text.length > savedLength,
    onSaved() {
      areFactsSaved = true
      savedLength = sentLength
    },
  }
}
