import { afterEach, beforeEach, expect } from 'vitest'
import type { ChatModel } from '../../src/chat/model/chat-model.ts'
import type { RepliesLimits } from '../../src/chat/replies.ts'
import { HistoryUnavailableError } from '../../src/errors.ts'
import type { NewConversation } from '../../src/memory/conversation.ts'
import type { History } from '../../src/memory/history/history.ts'
import type { ReplyRecord, ReplyRecords } from '../../src/memory/history/reply-record.ts'
import { contentOf, type Message, type NewMessage } from '../../src/memory/message.ts'
import { createReplyNode, OWNER, type ReplyNode, type SharedDeps } from './reply-node.ts'
import { openSqliteWorld, type ReplyWorld } from './reply-world.ts'
import { createScriptedModel, type ScriptedModel } from './scripted-model.ts'

/** What one node has in the place of what all share: of the stores single methods. */
export interface NodeChanges extends Partial<Omit<SharedDeps, 'records' | 'history'>> {
  records?: Partial<ReplyRecords>
  history?: Partial<History>
  model?: ChatModel
}

/** One conversation of OWNER, the stores that it is in, and the nodes and the model that reply in it. */
export interface ReplyStage {
  readonly world: ReplyWorld
  readonly model: ScriptedModel
  /** The conversation's. */
  readonly id: string
  /** One on the stores as they are. */
  readonly node: ReplyNode
  /** Another one, which ends with the test. */
  startNode(changes?: NodeChanges, limits?: Partial<RepliesLimits>): ReplyNode
  /** The record of the reply that is active in the conversation. */
  readActive(): Promise<ReplyRecord | undefined>
  /** Waits until a checkpoint of the active reply has exactly this text; resolves to the reply's id. */
  untilSaved(text: string): Promise<string>
  append(...messages: NewMessage[]): Promise<Message[]>
  /** The messages of the active path, as the history has them. */
  readPath(): Promise<Message[]>
  /** What they say. */
  readTexts(): Promise<string[]>
}

/** A stage for each test of the file or `describe` that calls it; what it has is that of the test that runs. */
export function useReplyStage(
  openWorld: () => Promise<ReplyWorld> = openSqliteWorld,
  settings: NewConversation = {},
): ReplyStage {
  const stage = {} as ReplyStage & { close(): Promise<void> }
  beforeEach(async () => void Object.assign(stage, await openReplyStage(openWorld, settings)))
  afterEach(() => stage.close())
  return stage
}

async function openReplyStage(
  openWorld: () => Promise<ReplyWorld>,
  settings: NewConversation,
): Promise<ReplyStage & { close(): Promise<void> }> {
  const world = await openWorld()
  const model = createScriptedModel()
  const nodes: ReplyNode[] = []
  const node = startNode()
  const { id } = (await node.memory.createConversation(OWNER, settings, 'FAIL')).conversation

  function startNode(changes: NodeChanges = {}, limits?: Partial<RepliesLimits>): ReplyNode {
    const { records, history, model: own = model, ...others } = changes
    const stores = { records: { ...world.records, ...records }, history: { ...world.history, ...history } }
    const started = createReplyNode({ ...world, ...others, ...stores }, own, limits)
    nodes.push(started)
    return started
  }

  function readActive(): Promise<ReplyRecord | undefined> {
    return world.records.findActive(OWNER, id)
  }

  async function untilSaved(text: string): Promise<string> {
    await expect.poll(async () => (await readActive())?.text).toBe(text)
    return (await readActive())?.id ?? ''
  }

  async function append(...messages: NewMessage[]): Promise<Message[]> {
    return (await node.memory.appendMessages(OWNER, id, messages)).messages
  }

  async function readPath(): Promise<Message[]> {
    const [conversation] = await node.memory.findConversations(OWNER, [id])
    if (conversation === undefined) throw new Error('The conversation is gone')
    const all = { afterSequence: 0, beforeSequence: 1_000, limit: 1_000, from: 'OLDEST' } as const
    return (await node.memory.readMessages(conversation, all)).messages
  }

  async function readTexts(): Promise<string[]> {
    return (await readPath()).map(({ parts }) => contentOf(parts))
  }

  async function close(): Promise<void> {
    await Promise.all(nodes.map((each) => each.stop()))
    await world.close()
  }

  return { world, model, id, node, startNode, readActive, untilSaved, append, readPath, readTexts, close }
}

/** A message of the user. */
export function userSays(text: string): NewMessage {
  return { role: 'USER', parts: [{ type: 'text', text }] }
}

/** A message that a model wrote elsewhere. */
export function modelSays(text: string): NewMessage {
  return { role: 'ASSISTANT', parts: [{ type: 'text', text }] }
}

/** What a store that cannot be reached throws. */
export function away(): HistoryUnavailableError {
  return new HistoryUnavailableError(new Error('away'))
}
