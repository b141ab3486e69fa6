import type { MessagePart } from '../memory/message.ts'
import type { ReplyLog } from './log/reply-log.ts'
import type { ModelListener } from './model/chat-model.ts'
import type { ReplyViewControl } from './reply-view.ts'

/** What a model has said so far. All of it is told to the view and to other nodes, as soon as it may be. */
export interface ReplyContent extends ModelListener {
  readonly text: string
  readonly parts: readonly MessagePart[]
  /** Tells what could not be told before. */
  tell(): void
  /** It was the answer to an old context, and was told to nobody. */
  forget(): void
}

export interface ReplyContentParts {
  replyId: string
  view: ReplyViewControl
  log: ReplyLog
  mayTell(): boolean
}

export function createReplyContent({ replyId, view, log, mayTell }: ReplyContentParts): ReplyContent {
  let text = ''
  let parts: MessagePart[] = []
  let loggedLength = 0

  function tell(added: string): void {
    if (!mayTell()) return
    view.setText(text)
    // Most often only what was just added: a slice would copy the whole text, which is a rope until then.
    const isNext = loggedLength + added.length === text.length
    if (loggedLength < text.length) log.write(replyId, loggedLength, isNext ? added : text.slice(loggedLength))
    loggedLength = text.length
    for (const part of parts.slice(view.parts.length)) view.addPart(part)
  }

  return {
    get text() {
      return text
    },
    get parts() {
      return parts
    },
    onText(added) {
      text += added
      tell(added)
    },
    onToolCall(part) {
      parts.push(part)
      tell('')
    },
    tell: () => tell(''),
    forget() {
      text = ''
      parts = []
    },
  }
}
