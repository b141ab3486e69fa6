/** What a follower of a reply on another node hears. */
export interface ReplyLogListener {
  /** Text at its place, in UTF-16 units; may come twice and never with a gap before it. */
  onText(offset: number, text: string): void
  /** The reply has ended or changed its phase: look at its record. */
  onWake(): void
}

/**
 * Carries a running reply's text to other nodes, and hints to its owner. Everything here is a help:
 * what is lost is made good by the reply's record (checkpoints, phases), so no method rejects or
 * waits for a store on the caller's behalf.
 */
export interface ReplyLog {
  /** The text so far; what is new since the last call is written in the background. */
  write(replyId: string, text: string): void
  /** The reply has ended: wakes every follower; its log expires soon after. */
  end(replyId: string): void
  /** Wakes everybody who follows this reply, on every node, and its owner. */
  wake(replyId: string): void
  /** Catches up and then follows, until the returned function is called. */
  follow(replyId: string, listener: ReplyLogListener): () => void
  close(): Promise<void>
}
