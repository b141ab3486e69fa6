import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { HistoryUnavailableError, NotFoundError } from '../../../src/errors.ts'
import type { Conversation } from '../../../src/memory/conversation.ts'
import { createReplyId, placeOf } from '../../../src/memory/ids.ts'
import type { Message, MessageDraft, NewMessage, Role } from '../../../src/memory/message.ts'
import { versionsAt } from '../../../src/memory/versions/branches.ts'
import { type MemoryNode, type MemoryNodeOptions, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, readContext, startConversation, textOf } from '../../support/stored-conversation.ts'

const ROUNDS = 25
const BUDGET = 100_000

const STORES: Record<string, () => Promise<NonNullable<MemoryNodeOptions['history']>>> = {
  MongoDB: async () => newMongodb(),
  SQLite: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'backscroll-'))
    onTestFinished(() => rm(directory, { recursive: true }))
    return { sqlitePath: join(directory, 'history.sqlite') }
  },
}

describe.each(Object.entries(STORES))('on %s', (_, createStore) => {
  /** A conversation of three messages on two nodes, and a third node whose switches never come about. */
  async function start() {
    const parts = { history: await createStore(), redisUrl: inject('redisUrl') }
    const nodes = [await startMemoryNode(parts), await startMemoryNode(parts)] as const
    const dying = await startMemoryNode({ ...parts, change: () => ({ switchBranch: fail }) })
    const conversationId = await startConversation(nodes[0])
    const said = [newMessage('question'), newMessage('answer', 'ASSISTANT'), newMessage('thanks')]
    const { messages } = await nodes[0].memory.appendMessages(OWNER, conversationId, said)
    return { nodes, dying, conversationId, messages, question: idOf(messages[0]) }
  }

  test('two edits of one message at once make two versions, one of them on the path, in every round', async () => {
    const { nodes, conversationId, question } = await start()
    const made = [question]
    for (let round = 1; round <= ROUNDS; round++) {
      const edits = nodes.map(({ memory }, node) =>
        memory.appendMessages(OWNER, conversationId, [newMessage(`edit ${round} of ${node}`)], question),
      )
      const messages = (await Promise.all(edits)).flatMap((appended) => appended.messages)
      made.push(...messages.map(({ id }) => id))
      for (const node of nodes) {
        const { versions, path, branchEpoch } = await readVersions(node, conversationId, question)
        expect(versions.toSorted()).toEqual(made.toSorted())
        expect(messages).toContainEqual(path[0])
        expect(path).toHaveLength(1)
        expect(branchEpoch).toBe(2 * round)
        expect(await node.memory.findMessages(OWNER, made.slice(-2))).toEqual(messages)
      }
    }
  })

  test('the same edit sent twice at once is one version, whole', async () => {
    const { nodes, conversationId, question } = await start()
    for (let round = 1; round <= ROUNDS; round++) {
      const drafts = [newMessage(`edit ${round}`), newMessage(`more ${round}`)].slice(0, 1 + (round % 2))
      const edits = nodes.map(({ memory }) => memory.appendMessages(OWNER, conversationId, drafts, question))
      const answers = await Promise.all(edits)
      const [messages = [], others] = answers.map((answer) => answer.messages)
      expect(others).toEqual(messages)
      expect(answers.flatMap(({ stored }) => stored)).toHaveLength(drafts.length)
      for (const node of nodes) {
        const { versions, path, branchEpoch } = await readVersions(node, conversationId, question)
        expect(versions).toHaveLength(1 + round)
        expect(versions.at(-1)).toBe(messages[0]?.id)
        expect(path).toEqual(messages)
        expect(branchEpoch).toBe(round)
      }
    }
  })

  test('a reply that is made again is one version, though two nodes finish it', async () => {
    const { nodes, conversationId, messages } = await start()
    const answer = idOf(messages[1])
    for (let round = 1; round <= ROUNDS; round++) {
      const draft = replyDraft(conversationId, `answer ${round}`)
      const finishes = nodes.map(({ memory }) =>
        memory.appendDrafts(OWNER, conversationId, [draft], { replaces: answer }),
      )
      const [one, other] = await Promise.all(finishes)
      expect(one?.messages).toEqual(other?.messages)
      for (const node of nodes) {
        const { versions, path } = await readVersions(node, conversationId, answer)
        expect(versions).toHaveLength(1 + round)
        expect(path.map(textOf)).toEqual(['question', `answer ${round}`])
      }
    }
  })

  test('nobody sees an edit whose node died before the switch, and a retry makes a version of it', async () => {
    const { nodes, dying, conversationId, messages, question } = await start()
    const edit = [newMessage('edited'), newMessage('and more')]
    await expect(dying.memory.appendMessages(OWNER, conversationId, edit, question)).rejects.toThrow(
      HistoryUnavailableError,
    )
    const [node, other] = nodes
    const keys = ['c:id edited', 'c:id and more']
    const hidden = (await node.history.findByIdempotencyKeys(conversationId, keys)).toSorted(bySequence)
    expect(hidden.map(textOf)).toEqual(['edited', 'and more'])
    for (const each of [node, other, dying]) {
      const { versions, path } = await readVersions(each, conversationId, question)
      expect(versions).toEqual([question])
      expect(path).toEqual(messages)
      expect(await each.memory.findMessages(OWNER, hidden.map(idOf))).toEqual([undefined, undefined])
      await expect(each.memory.selectVersion(OWNER, idOf(hidden[0]))).rejects.toThrow(NotFoundError)
    }
    // Life goes on, and another edit is in front of the retry.
    await other.memory.appendMessages(OWNER, conversationId, [newMessage('later')])
    const [rival] = (await other.memory.appendMessages(OWNER, conversationId, [newMessage('rival')], question)).messages

    for (const each of [node, other]) {
      const retried = await each.memory.appendMessages(OWNER, conversationId, edit, question)
      expect(retried.stored).toEqual([])
      expect(retried.messages).toEqual(hidden)
    }
    for (const each of [node, other, dying]) {
      const { versions, path } = await readVersions(each, conversationId, question)
      expect(versions).toEqual([question, idOf(rival), idOf(hidden[0])])
      expect(path).toEqual(hidden)
    }
  })

  test('an edit of which a part was stored before its node died is completed by a retry', async () => {
    const { nodes, dying, conversationId, question } = await start()
    const edit = [newMessage('edited'), newMessage('and more')]
    const first = dying.memory.appendMessages(OWNER, conversationId, edit.slice(0, 1), question)
    await expect(first).rejects.toThrow(HistoryUnavailableError)
    const [one, other] = await Promise.all(
      nodes.map(({ memory }) => memory.appendMessages(OWNER, conversationId, edit, question)),
    )
    expect(one?.messages).toEqual(other?.messages)
    for (const node of nodes) {
      const { versions, path } = await readVersions(node, conversationId, question)
      expect(versions).toEqual([question, idOf(path[0])])
      expect(path.map(textOf)).toEqual(['edited', 'and more'])
    }
  })
})

async function fail(): Promise<never> {
  throw new HistoryUnavailableError(new Error('gone'))
}

function newMessage(text: string, role: Role = 'USER'): NewMessage {
  return { role, parts: [{ type: 'text', text }], clientMessageId: `id ${text}`, createdAt: 1_700_000_000_000 }
}

function replyDraft(conversationId: string, text: string): MessageDraft {
  const said = { role: 'ASSISTANT' as const, parts: [{ type: 'text' as const, text }], createdAt: 1_700_000_000_000 }
  return { ...said, status: 'COMPLETE', replyId: createReplyId(conversationId) }
}

interface ReadVersions extends Pick<Conversation, 'branchEpoch'> {
  versions: string[]
  path: Message[]
}

/** What a node reads of a conversation, and of the versions of a message; it reads the path in two ways. */
async function readVersions(node: MemoryNode, conversationId: string, messageId: string): Promise<ReadVersions> {
  const { messages: path } = await readContext(node, conversationId, BUDGET)
  expect((await readContext(node, conversationId, BUDGET, 'STRONG')).messages).toEqual(path)
  const [conversation] = await node.memory.findConversations(OWNER, [conversationId])
  const place = placeOf(messageId)
  if (conversation === undefined || place === undefined) throw new Error('It is not there')
  return { branchEpoch: conversation.branchEpoch, versions: versionsAt(conversation, place), path }
}

function idOf(message: Message | undefined): string {
  if (message === undefined) throw new Error('A message is missing')
  return message.id
}

function bySequence(one: Message, other: Message): number {
  return one.sequence - other.sequence
}
