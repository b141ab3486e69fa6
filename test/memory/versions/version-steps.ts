import fc from 'fast-check'
import { expect } from 'vitest'
import type { Appended, AppendTarget } from '../../../src/memory/append/appender.ts'
import { positionAfter } from '../../../src/memory/append/position-after.ts'
import { createReplyId } from '../../../src/memory/ids.ts'
import type { Message, MessageDraft, MessagePart, Role } from '../../../src/memory/message.ts'
import type { MemoryNode } from '../../support/memory-node.ts'
import type { NaiveTree } from '../../support/naive-tree.ts'
import { plainCounter } from '../../support/plain-counter.ts'
import { OWNER } from '../../support/stored-conversation.ts'

/** One conversation as its nodes have it, and as a naive tree has it. */
export interface Play {
  /** Of the same stores. */
  nodes: readonly MemoryNode[]
  conversationId: string
  tree: NaiveTree
}

/** One change of a conversation; numbers choose by their remainder. */
export type VersionStep = typeof versionStep extends fc.Arbitrary<infer Step> ? Step : never

const CREATED_AT = 1_700_000_000_000

/** Any change that versions know. */
export const versionStep = fc.record({
  type: fc.oneof(
    { weight: 4, arbitrary: fc.constant('append' as const) },
    { weight: 3, arbitrary: fc.constantFrom('edit' as const, 'select' as const) },
    { weight: 2, arbitrary: fc.constantFrom('regenerate' as const, 'answer' as const) },
    { weight: 1, arbitrary: fc.constantFrom('redact' as const, 'update' as const) },
  ),
  node: fc.nat(1),
  /** The message that it is about. */
  which: fc.nat(100),
  lengths: fc.array(fc.nat(16), { minLength: 1, maxLength: 4 }),
  role: fc.nat(3),
  /** Sent once more, by the next node. */
  isRepeated: fc.boolean(),
  /** Whether all is written, in the background too, before the next one. */
  isSettled: fc.boolean(),
})

/** Makes a change and checks its answer; `index` is unlike that of every other step of the play. */
export async function takeStep(play: Play, step: VersionStep, index: number): Promise<void> {
  const { messages } = play.tree
  const message = messages[step.which % Math.max(1, messages.length)]
  if (message === undefined || step.type === 'append') await append(play, step, index)
  else if (step.type === 'edit') await append(play, step, index, message)
  else if (step.type === 'regenerate' || step.type === 'answer') await reply(play, step, index, message)
  else await change(play, step, message)
  if (step.isSettled) for (const node of play.nodes) await node.settle()
}

/** By its number: a play may have fewer nodes. */
export function nodeOf({ nodes }: Play, index: number): MemoryNode {
  const node = nodes[index % nodes.length]
  if (node === undefined) throw new Error('A play without a node')
  return node
}

/** By a client: messages behind the active path, or a version of one and what follows. */
async function append(play: Play, step: VersionStep, index: number, replaced?: Message): Promise<void> {
  const { conversationId, tree } = play
  const drafts = step.lengths.map((length, nth): MessageDraft => {
    const role = nth === 0 && replaced ? replaced.role : roleOf(step.role + nth)
    const text = `${index}.${nth} ${'x'.repeat(length)}`
    const said = { role, parts: partsOf(role, text), createdAt: CREATED_AT + index, clientMessageId: `${index}.${nth}` }
    return { status: 'COMPLETE', ...said }
  })
  const before = replaced ? tree.before(replaced.id) : tree.path
  const messages = await send(play, step, drafts, before, ({ memory }) => {
    return memory.appendMessages(OWNER, conversationId, drafts, replaced?.id)
  })
  if (replaced) tree.replace(replaced.id, messages)
  else tree.append(tree.path.at(-1)?.branch, messages)
}

/** As a reply is finished: in the place of a message, or behind the branch of its question. */
async function reply(play: Play, step: VersionStep, index: number, about: Message): Promise<void> {
  const { conversationId, tree } = play
  const status = step.role === 0 ? ('INTERRUPTED' as const) : ('COMPLETE' as const)
  const parts = partsOf('ASSISTANT', `${index} ${'x'.repeat(step.lengths[0] ?? 0)}`)
  const said = { role: 'ASSISTANT' as const, status, parts, createdAt: CREATED_AT + index, model: 'a-model' }
  const draft: MessageDraft = { ...said, replyId: createReplyId(conversationId), finishReason: 'STOP' }
  const isVersion = step.type === 'regenerate'
  const target: AppendTarget = isVersion ? { replaces: about.id } : { branch: about.branch }
  const before = isVersion ? tree.before(about.id) : tree.pathOn(about.branch)
  const messages = await send(play, step, [draft], before, ({ memory }) => {
    return memory.appendDrafts(OWNER, conversationId, [draft], target)
  })
  if (isVersion) tree.replace(about.id, messages)
  else tree.append(about.branch, messages)
}

/** Sends drafts that are to stand behind some messages; what was stored. */
async function send(
  play: Play,
  { node, isRepeated }: VersionStep,
  drafts: readonly MessageDraft[],
  before: readonly Message[],
  appendBy: (node: MemoryNode) => Promise<Appended>,
): Promise<Message[]> {
  const { messages, stored } = await appendBy(nodeOf(play, node))
  const counts = await plainCounter.countMessages('', drafts)
  const counted = drafts.map((draft, nth) => ({ draft, tokens: counts[nth] ?? 0 }))
  const last = before.at(-1)
  const head = { sequence: before.length, tokens: last ? last.tokenStart + last.tokens : 0 }
  expect(messages).toEqual(positionAfter(play.conversationId, messages[0]?.branch ?? '', head, counted))
  expect(stored).toEqual(messages)
  if (isRepeated) expect(await appendBy(nodeOf(play, node + 1))).toMatchObject({ messages, stored: [] })
  return messages
}

/** What changes no message's place. */
async function change(play: Play, { type, node, which }: VersionStep, { id }: Message): Promise<void> {
  const { tree } = play
  const { memory } = nodeOf(play, node)
  if (type === 'select') {
    const { conversation, message } = await memory.selectVersion(OWNER, id)
    tree.select(id)
    expect(message).toEqual(tree.find(id))
    expect(conversation.activeBranch).toBe(tree.path.at(-1)?.branch)
    return
  }
  if (type === 'redact') {
    const message = await memory.redactMessage(OWNER, id)
    tree.change(id, (said) => ({ ...said, status: 'REDACTED', parts: said.parts.flatMap(blank) }))
    expect(message).toEqual(tree.find(id))
    return
  }
  const metadata = which % 3 === 0 ? null : { rating: which }
  const message = await memory.updateMessage(OWNER, id, metadata)
  tree.change(id, ({ metadata: _, ...said }) => (metadata ? { ...said, metadata } : said))
  expect(message).toEqual(tree.find(id))
}

function roleOf(number: number): Role {
  return (['USER', 'ASSISTANT', 'TOOL', 'SYSTEM'] as const)[number % 4] ?? 'USER'
}

function partsOf(role: Role, text: string): MessagePart[] {
  const said = { type: 'text' as const, text }
  return role === 'TOOL' ? [{ type: 'toolResult', toolCallId: 'call', output: text }, said] : [said]
}

/** What a redaction leaves. */
function blank(part: MessagePart): MessagePart[] {
  return part.type === 'toolResult' ? [{ type: 'toolResult', toolCallId: part.toolCallId, output: '' }] : []
}
