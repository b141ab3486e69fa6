/** What a follower of a reply on another node hears. */
export interface ReplyLogListener {
  /**
   * Text at its place, in UTF-16 units; may come twice and never with a gap before it. Without this
   * only wakes are told: for the owner, which has the text.
   */
  onText?(offset: number, text: string): void
  /**
   * The reply has ended or changed its phase, or that may have been missed: look at its record. Also
   * told as soon as following has begun, so that nothing falls between.
   */
  onWake(): void
}

/**
 * Carries a running reply's text to other nodes, and hints to its owner. Everything here is a help:
 * what is lost is made good by the reply's record (checkpoints, phases), so no method rejects or
 * waits for a store on the caller's behalf, and a listener hears nothing before `follow` has returned.
 */
export interface ReplyLog {
  /**
   * New text at its place; it is written in the background. In order, from 0: a write that does not
   * begin where the last one ended is ignored. What was written is held until `end`, which must come.
   */
  write(replyId: string, offset: number, text: string): void
  /** The reply has ended: wakes every follower; its log expires soon after. */
  end(replyId: string): void
  /** Wakes everybody who follows this reply, on every node, and its owner. */
  wake(replyId: string): void
  /** Tells the text from `from` (0) on, first what there is and then what comes, until the returned function is called. */
  follow(replyId: string, listener: ReplyLogListener, from?: number): () => void
  /** Nothing of an ended reply's text is kept when this returns true; false: its store did not answer. */
  erase(replyId: string): Promise<boolean>
  /** Sends what is left unless the store fails, and forgets every follower. */
  close(): Promise<void>
}
