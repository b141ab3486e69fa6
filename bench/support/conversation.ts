import type { ContextRequest } from '../../src/memory/context.ts'
import { ROOT_BRANCH } from '../../src/memory/conversation.ts'
import { createConversationId, messageId } from '../../src/memory/ids.ts'
import type { Message, MessageDraft } from '../../src/memory/message.ts'
import { DEFAULT_ENCODING } from '../../src/memory/tokens/encoding.ts'
import type { Stage } from './stage.ts'

export const OWNER_ID = 'owner'

/** On a busy machine SecantusDB takes 5 ms a message, and the deadline of an insert is 4.5 s. */
const BATCH = 250
const PAGE = 1_000
const DIFFERENT_TEXTS = 1_000
const BEGIN_MS = Date.UTC(2026, 0, 1)

const LINES = [
  'The order number # was refunded on Tuesday, but the customer (id #) still sees the old total of $#.',
  'Could you check whether invoice # has been sent twice? Our accountant found it under both dates.',
  'I looked it up: the payment of # cents arrived at 14:#, and the second one was cancelled by the bank.',
  'Please write a short and friendly answer that explains the delay and offers a voucher worth # euros.',
  'Sure. Here is a draft, with ticket # mentioned once and without any promise about the delivery date.',
]

/** Stores a conversation of `count` messages of `bytes` bytes in big batches; returns its id. */
export async function storeConversation(
  stage: Stage,
  count: number,
  bytes: number,
  ownerId = OWNER_ID,
): Promise<string> {
  const { history } = stage
  const id = createConversationId()
  const common = { ownerId, encoding: DEFAULT_ENCODING, activeBranch: ROOT_BRANCH, branchEpoch: 0 }
  const times = { createdAt: BEGIN_MS, lastMessageAt: BEGIN_MS }
  await history.createConversation({ id, branches: [], selectedEpochs: {}, heads: {}, ...common, ...times })
  let tokenStart = 0
  const drafts = createDrafts(Math.min(count, DIFFERENT_TEXTS), bytes)
  const tokens = await stage.counter.countMessages(DEFAULT_ENCODING, drafts)
  for (let first = 1; first <= count; first += BATCH) {
    const batch: Message[] = []
    for (let sequence = first; sequence < Math.min(first + BATCH, count + 1); sequence++) {
      const place = (sequence - 1) % drafts.length
      const draft = drafts[place]
      const cost = tokens[place]
      if (draft === undefined || cost === undefined) throw new RangeError(`No text for message ${sequence}`)
      const position = { branch: ROOT_BRANCH, sequence, tokens: cost, tokenStart }
      const createdAt = BEGIN_MS + 1_000 * sequence
      batch.push({ ...draft, ...position, createdAt, id: messageId(id, ROOT_BRANCH, sequence), conversationId: id })
      tokenStart += cost
    }
    await history.insertMessages(batch)
  }
  await history.raiseHead(id, ROOT_BRANCH, { sequence: count, tokens: tokenStart }, BEGIN_MS)
  return id
}

/** What the rows ask for: 3,000 tokens of the newest. */
export function contextRequest(conversationId: string): ContextRequest {
  const window = { maxTokens: 3_000, startOn: 'ANY', anchor: 0 } as const
  return { ownerId: OWNER_ID, conversationId, consistency: 'EVENTUAL', ...window }
}

/** All messages of a conversation of so many, in pages: a long one in one read would be overdue. */
export async function readAll({ history }: Stage, conversationId: string, count: number): Promise<Message[]> {
  const messages: Message[] = []
  while (messages.length < count) {
    const bounds = { afterSequence: messages.length, beforeSequence: messages.length + PAGE + 1 }
    const range = { conversationId, branch: ROOT_BRANCH, ...bounds, limit: PAGE, from: 'OLDEST' as const }
    const { messages: page } = await history.readSequenceRange(range)
    if (page.length === 0) throw new RangeError(`${conversationId} has only ${messages.length} of ${count} messages`)
    messages.push(...page)
  }
  return messages
}

/** Messages of exactly so many bytes, never twice the same. */
export function createDrafts(count: number, bytes: number): MessageDraft[] {
  return Array.from({ length: count }, (_, index) => {
    let text = ''
    for (let line = index; text.length < bytes; line++) {
      text += `${(LINES[line % LINES.length] ?? '').replaceAll('#', String((line * 7_919) % 9_973))} `
    }
    const role = index % 2 === 0 ? 'USER' : 'ASSISTANT'
    return { role, status: 'COMPLETE', createdAt: BEGIN_MS, parts: [{ type: 'text', text: text.slice(0, bytes) }] }
  })
}
