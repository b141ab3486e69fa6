import type { MessagePart, ToolCallPart } from '../../memory/message.ts'
import type { ReplyViewControl } from '../follow/reply-view.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import { ModelError, type ModelListener } from '../model/chat-model.ts'

/** What a model has said so far. All of it is told to the view and to other nodes, as soon as it may be. */
export interface ReplyContent extends ModelListener {
  readonly text: string
  readonly parts: readonly MessagePart[]
  /** Tells what could not be told before. */
  tell(): void
  /** It was the answer to an old context, and was told to nobody. */
  forget(): void
}

/** Whose content it is, and where it is told. */
export interface ReplyContentParts {
  replyId: string
  view: ReplyViewControl
  log: ReplyLog
  mayTell(): boolean
}

/** The record holds it beside a question of up to 8 MiB, and MongoDB takes 16 MiB: more could never be sealed. */
const MAX_REPLY_BYTES = 4 * 1024 * 1024

/** The content of one reply, empty at first. */
export function createReplyContent({ replyId, view, log, mayTell }: ReplyContentParts): ReplyContent {
  let bytes = 0

  function checkRoom(added: string): void {
    bytes += Buffer.byteLength(added)
    if (bytes <= MAX_REPLY_BYTES) return
    const detail = `The answer is longer than ${MAX_REPLY_BYTES} bytes.`
    throw new ModelError('MODEL_STREAM_BROKEN', detail, { retryable: false })
  }

  function tell(added: string): void {
    if (!mayTell()) return
    const { text, parts } = content
    const told = view.text.length
    // Most often only what was just added: a slice would copy the whole text, which is a rope until then.
    const fresh = told + added.length === text.length ? added : text.slice(told)
    if (fresh !== '') {
      view.placeText(told, fresh)
      log.write(replyId, told, fresh)
    }
    if (parts.length > view.parts.length) for (const part of parts.slice(view.parts.length)) view.addPart(part)
  }

  const content = {
    text: '',
    parts: [] as MessagePart[],
    onText(added: string) {
      checkRoom(added)
      content.text += added
      tell(added)
    },
    onToolCall(part: ToolCallPart) {
      checkRoom(JSON.stringify(part))
      content.parts.push(part)
      tell('')
    },
    tell: () => tell(''),
    forget() {
      content.text = ''
      content.parts = []
      bytes = 0
    },
  }
  return content
}
