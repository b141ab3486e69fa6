import { inject, onTestFinished } from 'vitest'
import type { NewReply } from '../../src/chat/begin/begin-reply.ts'
import type { ReplyEvent } from '../../src/chat/follow/reply-event.ts'
import { createOpenAiModel } from '../../src/chat/model/openai-model.ts'
import { answerOf, collect, createReplyNode, OWNER, questionOf, type ReplyNode } from './reply-node.ts'
import { openSqliteWorld } from './reply-world.ts'

/** One conversation with the real model, on the embedded stores. */
export interface ModelNode extends ReplyNode {
  conversationId: string
  /** Every event of the reply to a question. */
  converse(text: string, more?: Partial<NewReply>): Promise<ReplyEvent[]>
  /** Every event of another answer in the place of one. */
  regenerate(replyId: string): Promise<ReplyEvent[]>
}

/** As the server's own defaults: on a loaded machine this model takes a while to begin. */
const PATIENT = { firstTokenMs: 60_000, idleMs: 30_000 }

/** A node with the model that `npm run test:model` starts; it ends with the test. */
export async function startModelNode(instructions: string): Promise<ModelNode> {
  const world = await openSqliteWorld()
  const model = createOpenAiModel({ baseUrl: `${inject('modelUrl')}/v1`, model: 'SmolLM2-135M-Instruct' })
  const node = createReplyNode(world, model, PATIENT)
  onTestFinished(async () => {
    await node.stop()
    await world.close()
  })
  const { conversation } = await node.memory.createConversation(OWNER, { instructions }, 'FAIL')
  const conversationId = conversation.id
  const send = async (reply: NewReply) => collect(await node.replies.send(OWNER, reply, new AbortController().signal))
  return {
    ...node,
    conversationId,
    converse: (text, more = {}) => send(questionOf(conversationId, text, more)),
    regenerate: (replaces) => send(answerOf(conversationId, `again ${replaces}`, replaces)),
  }
}

/** The one event of a type. */
export function eventOf<Type extends ReplyEvent['type']>(events: readonly ReplyEvent[], type: Type) {
  const [event, ...others] = events.filter((one): one is Extract<ReplyEvent, { type: Type }> => one.type === type)
  if (event === undefined || others.length > 0) throw new Error(`One ${type} was expected: ${JSON.stringify(events)}`)
  return event
}

/** For people to read: nothing is asserted on what so small a model means, or on how fast a machine is. */
export function report(line: string): void {
  console.log(line)
}
