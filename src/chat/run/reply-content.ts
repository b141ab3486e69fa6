import type { DataPart, Json, MessagePart, ToolCallPart } from '../../memory/message.ts'
import type { ReplyViewControl } from '../follow/reply-view.ts'
import type { ReplyLog } from '../log/reply-log.ts'
import { createSaidWriter } from '../log/said-stream.ts'
import { ModelError, type ModelListener } from '../model/chat-model.ts'
import { partsOfReply, type SaidParts } from './reply-parts.ts'

/** What a model has said so far. All of it is published to the view and to the reply log as soon as it may be. */
export interface ReplyContent extends ModelListener {
  readonly text: string
  readonly reasoning: string
  /** Beside the text, as the record holds them. */
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
/** Far more than a model means; cursors count up to 9,999. */
const MAX_REPLY_PARTS = 2_000

/** The content of one reply; ModelError where it becomes longer than a reply may be. */
export function createReplyContent({ replyId, view, log, mayPublish }: ReplyContentDeps): ReplyContent {
  const toLog = createSaidWriter()
  let bytes = 0
  let said = emptySaid()

  function checkRoom(added: string): void {
    bytes += Buffer.byteLength(added)
    if (bytes <= MAX_REPLY_BYTES) return
    const detail = `The answer is longer than ${MAX_REPLY_BYTES} bytes.`
    throw new ModelError('MODEL_STREAM_BROKEN', detail, { retryable: false })
  }

  /** Most often only what was just added: a slice would copy the whole text, which is a rope until then. */
  function newOf(whole: string, published: number, added: string): string {
    return published + added.length === whole.length ? added : whole.slice(published)
  }

  function publish(text = '', reasoning = ''): void {
    if (!mayPublish()) return
    if (said.isReasoningFirst) publishReasoning(reasoning)
    publishText(text)
    publishReasoning(reasoning)
    if (said.whole.length === view.parts.length) return
    for (const part of said.whole.slice(view.parts.length)) view.addPart(part)
  }

  function publishText(added: string): void {
    const published = view.text.length
    const fresh = newOf(said.text, published, added)
    if (fresh === '') return
    view.placeText(published, fresh)
    writeLog('text', fresh)
  }

  function publishReasoning(added: string): void {
    const published = view.reasoning.length
    if (published === said.reasoning.length) return
    const fresh = newOf(said.reasoning, published, added)
    view.placeReasoning(published, fresh)
    writeLog('reasoning', fresh)
  }

  function writeLog(type: 'text' | 'reasoning', fresh: string): void {
    const { offset, text } = toLog.write(type, fresh)
    log.write(replyId, offset, text)
  }

  function onText(added: string): void {
    checkRoom(added)
    said.text += added
    publish(added)
  }

  function onReasoning(added: string): void {
    checkRoom(added)
    if (said.text === '') said.isReasoningFirst = true
    said.reasoning += added
    publish('', added)
  }

  function onPart(part: ToolCallPart | DataPart): void {
    checkRoom(JSON.stringify(part))
    if (said.whole.length === MAX_REPLY_PARTS) {
      const detail = `The answer has more than ${MAX_REPLY_PARTS} parts.`
      throw new ModelError('MODEL_STREAM_BROKEN', detail, { retryable: false })
    }
    said.whole.push(part)
    publish()
  }

  function onState(state: Json): void {
    checkRoom(JSON.stringify(state))
    said.state = state
  }

  function reset(): void {
    said = emptySaid()
    bytes = 0
  }

  return {
    get text() {
      return said.text
    },
    get reasoning() {
      return said.reasoning
    },
    get parts() {
      return partsOfReply(said, said.text !== '')
    },
    onText,
    onReasoning,
    onPart,
    onState,
    publish: () => publish(),
    reset,
  }
}

function emptySaid(): SaidParts & { text: string; whole: (ToolCallPart | DataPart)[] } {
  return { text: '', reasoning: '', isReasoningFirst: false, whole: [], state: undefined }
}
