import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { HistoryUnavailableError } from '../../../src/errors.ts'
import type { History } from '../../../src/memory/history/history.ts'
import type { Message, NewMessage } from '../../../src/memory/message.ts'
import { type MemoryNode, type MemoryNodeOptions, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, readContext, startConversation, textOf } from '../../support/stored-conversation.ts'

const WRITERS = 32
const BATCHES_OF_WRITER = 2
const BUDGET = 100_000

const STORES: Record<string, () => Promise<MemoryNodeOptions['history']>> = {
  MongoDB: async () => newMongodb(),
  SQLite: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'backscroll-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    return { sqlitePath: join(directory, 'history.sqlite') }
  },
}

describe.each(Object.entries(STORES))('on %s', (_, createStore) => {
  async function startNodes(): Promise<[MemoryNode, MemoryNode]> {
    const history = await createStore()
    const start = () => startMemoryNode({ ...(history && { history }), redisUrl: inject('redisUrl') })
    return [await start(), await start()]
  }

  test('thirty-two writers on two nodes leave no gap, lose nothing and store nothing twice', async () => {
    const nodes = await startNodes()
    const conversationId = await startConversation(nodes[0])
    const batches = Array.from({ length: WRITERS }, (_, writer) => batchesOf(writer))
    await Promise.all(
      batches.map(async (own, writer) => {
        const { memory } = nodeOf(nodes, writer)
        for (const batch of own) {
          const { messages } = await memory.appendMessages(OWNER, conversationId, batch)
          expect(messages.map(textOf)).toEqual(batch.map(textOfNew))
        }
      }),
    )
    const path = await readPath(nodes[0], conversationId)
    expectPath(path)
    expect(path.map(textOf).sort()).toEqual(batches.flat(2).map(textOfNew).sort())
    for (const node of nodes) expect((await readContext(node, conversationId, BUDGET)).messages).toEqual(path)

    const retried = await Promise.all(
      batches.flatMap((own, writer) =>
        own.map((batch) => nodeOf(nodes, writer + 1).memory.appendMessages(OWNER, conversationId, batch)),
      ),
    )
    expect(retried.flatMap(({ stored }) => stored)).toEqual([])
    expect(retried.flatMap(({ messages }) => messages).sort(bySequence)).toEqual(path)
    expect(await readPath(nodes[1], conversationId)).toEqual(path)
  })

  test('the same batch sent at once from two nodes is stored once, whole', async () => {
    const nodes = await startNodes()
    const conversationId = await startConversation(nodes[0])
    const batch = Array.from({ length: 50 }, (_, index) => newMessage(`twice ${index}`))
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, copy) => nodeOf(nodes, copy).memory.appendMessages(OWNER, conversationId, batch)),
    )
    const path = await readPath(nodes[0], conversationId)
    expectPath(path)
    expect(path.map(textOf).sort()).toEqual(batch.map(textOfNew).sort())
    for (const { messages } of answers) expect(messages.toSorted(bySequence)).toEqual(path)
    expect(answers.flatMap(({ stored }) => stored)).toHaveLength(batch.length)
  })

  test('a batch that was cut in the middle is completed by sending it again, from any node', async () => {
    const history = await createStore()
    const parts = { ...(history && { history }), redisUrl: inject('redisUrl') }
    const cut = await startMemoryNode({ ...parts, change: (whole) => ({ insertMessages: insertSome(whole, 4) }) })
    const node = await startMemoryNode(parts)
    const conversationId = await startConversation(node)
    await node.memory.appendMessages(OWNER, conversationId, [newMessage('before')])
    await node.settle()
    const batch = Array.from({ length: 10 }, (_, index) => newMessage(`part ${index}`))
    await expect(cut.memory.appendMessages(OWNER, conversationId, batch)).rejects.toThrow(HistoryUnavailableError)
    expect((await readContext(node, conversationId, BUDGET)).messages).toHaveLength(5)
    const { messages, stored } = await node.memory.appendMessages(OWNER, conversationId, batch)
    expect(messages.map(textOf)).toEqual(batch.map(textOfNew))
    expect(stored.map(textOf)).toEqual(batch.slice(4).map(textOfNew))
    const path = await readPath(node, conversationId)
    expectPath(path)
    expect(path.map(textOf)).toEqual(['before', ...batch.map(textOfNew)])
    for (const each of [cut, node]) expect((await readContext(each, conversationId, BUDGET)).messages).toEqual(path)
  })
})

/** Batches of one to three messages, each with an id of its own. */
function batchesOf(writer: number): NewMessage[][] {
  return Array.from({ length: BATCHES_OF_WRITER }, (_, batch) =>
    Array.from({ length: 1 + ((writer + batch) % 3) }, (_, index) => newMessage(`${writer}.${batch}.${index}`)),
  )
}

function newMessage(text: string): NewMessage {
  return { role: 'USER', parts: [{ type: 'text', text }], clientMessageId: `id ${text}`, createdAt: 1_700_000_000_000 }
}

function textOfNew({ parts }: NewMessage): string {
  return textOf({ parts } as Message)
}

function nodeOf(nodes: readonly [MemoryNode, MemoryNode], index: number): MemoryNode {
  return nodes[index % 2 === 0 ? 0 : 1]
}

function bySequence(one: Message, other: Message): number {
  return one.sequence - other.sequence
}

async function readPath({ memory }: MemoryNode, conversationId: string): Promise<Message[]> {
  const [conversation] = await memory.findConversations(OWNER, [conversationId])
  if (conversation === undefined) throw new Error('The conversation is not there')
  const range = { afterSequence: 0, beforeSequence: Number.MAX_SAFE_INTEGER, limit: 10_000, from: 'OLDEST' as const }
  return (await memory.readMessages(conversation, range)).messages
}

/** Sequences without a gap, and each position the sum of all tokens before it. */
function expectPath(path: readonly Message[]): void {
  let tokenStart = 0
  for (const [index, message] of path.entries()) {
    expect(message).toMatchObject({ sequence: index + 1, tokenStart })
    tokenStart += message.tokens
  }
}

/** The store takes the first ones, then it is gone. */
function insertSome(history: History, count: number): History['insertMessages'] {
  return async (messages) => {
    await history.insertMessages(messages.slice(0, count))
    throw new HistoryUnavailableError(new Error('gone'))
  }
}
