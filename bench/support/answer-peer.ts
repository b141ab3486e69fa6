/** What was read of one answer of a model. */
export interface ReadOutcome {
  content: string
  reasoning: string
  calls: { id?: string; name: string; arguments: string }[]
  /** By whatever name; undefined where the reader saw no end. */
  finishReason?: string | null
  usage?: { promptTokens?: number | undefined; completionTokens?: number | undefined }
}

/** Something that reads answers of chat completions servers. */
export interface AnswerPeer {
  name: string
  /** Rejects where it takes the answer for a failure. */
  read(answer: Response): Promise<ReadOutcome>
}
