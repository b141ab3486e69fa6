import type { DataPart, MessagePart, ToolCallPart } from '../../memory/message.ts'
import type { ReplyViewControl } from '../follow/reply-view.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import { ModelError, type ModelListener } from '../model/chat-model.ts'

/** What a model has said so far. All of it is published to the view and to the reply log as soon as it may be. */
export interface ReplyContent extends ModelListener {
  readonly text: string
  readonly parts: readonly MessagePart[]
  /** Publishes what could not be published before. */
  publish(): void
  /** Empties it: it was the answer to an old context, and nothing of it was published. */
  reset(): void
}

/** Whose content it is, and where it is published. */
export interface ReplyContentDeps {
  replyId: string
  view: ReplyViewControl
  log: ReplyLog
  mayPublish(): boolean
}

/** The record holds it beside a question of up to 8 MiB, and MongoDB takes 16 MiB: more could never be sealed. */
const MAX_REPLY_BYTES = 4 * 1024 * 1024

/** The content of one reply; ModelError where it becomes longer than a reply may be. */
export function createReplyContent({ replyId, view, log, mayPublish }: ReplyContentDeps): ReplyContent {
  let bytes = 0

  function checkRoom(added: string): void {
    bytes += Buffer.byteLength(added)
    if (bytes <= MAX_REPLY_BYTES) return
    const detail = `The answer is longer than ${MAX_REPLY_BYTES} bytes.`
    throw new ModelError('MODEL_STREAM_BROKEN', detail, { retryable: false })
  }

  function publish(added: string): void {
    if (!mayPublish()) return
    const { text, parts } = content
    const published = view.text.length
    // Most often only what was just added: a slice would copy the whole text, which is a rope until then.
    const fresh = published + added.length === text.length ? added : text.slice(published)
    if (fresh !== '') {
      view.placeText(published, fresh)
      log.write(replyId, published, fresh)
    }
    if (parts.length > view.parts.length) for (const part of parts.slice(view.parts.length)) view.addPart(part)
  }

  function onText(added: string): void {
    checkRoom(added)
    content.text += added
    publish(added)
  }

  function onPart(part: ToolCallPart | DataPart): void {
    checkRoom(JSON.stringify(part))
    content.parts.push(part)
    publish('')
  }

  function reset(): void {
    content.text = ''
    content.parts = []
    bytes = 0
  }

  const content = {
    text: '',
    parts: [] as MessagePart[],
    onText,
    onReasoning() {},
    onPart,
    onState() {},
    publish: () => publish(''),
    reset,
  }
  return content
}
