/** What a reader of a reply's log is called with. */
export interface ReplyLogHandlers {
  /**
   * Text at its place, in UTF-16 units; it may come twice and never with a gap before it. Without this handler
   * only notifications come: the owner has the text itself.
   */
  onText?(offset: number, text: string): void
  /**
   * The reply has ended or changed its phase, or that may have been missed: read its record. Also called once
   * reading has begun, so that nothing falls between.
   */
  onNotify(): void
}

/**
 * Carries a running reply's text to other nodes, and hints to its owner. All of it is a help: what is lost is
 * made good by the reply's record (checkpoints, phases). So no method rejects or waits for a store on the
 * caller's behalf, and no handler is called before `follow` has returned.
 */
export interface ReplyLog {
  /**
   * Appends text at its place; it is written in the background. Texts come in order, from 0: one that does not
   * begin where the last one ended is ignored. What was written is held until `end`, which must come.
   */
  write(replyId: string, offset: number, text: string): void
  /**
   * Marks the reply as ended and notifies every reader. Its log expires soon after, or at once where the
   * conversation was deleted and nothing of it is to stay.
   */
  end(replyId: string, isDeleted?: boolean): void
  /** Notifies the readers of this reply, on every node, and its owner. */
  notify(replyId: string): void
  /** Reads the text from `from` (0) on, first what there is and then what comes, until the returned function is called. */
  follow(replyId: string, handlers: ReplyLogHandlers, from?: number): () => void
  /**
   * True when nothing is kept any more of an ended reply's text, and nothing of it will be. False when the store did not
   * answer: it is erased when that is back, as long as this process lives.
   */
  erase(replyId: string): Promise<boolean>
  /** Sends what is left, unless the store fails, and stops every reader. */
  close(): Promise<void>
}
