import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { createSqliteDatabase } from '../../../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../../../src/memory/history/sqlite/sqlite-history.ts'
import { createSqliteReplies } from '../../../../src/memory/history/sqlite/sqlite-replies.ts'
import { createConversationId, createReplyId } from '../../../../src/memory/ids.ts'
import { endedReply, sampleReply } from '../reply-samples.ts'
import { sampleConversation, sampleMessage, TIME } from '../stored-samples.ts'
import { FIRST_SCHEMA } from './sqlite-first-schema.ts'

const HEADS = { 0: { sequence: 1, tokens: 10 } }

/** A file of that time, with a conversation, a message and an ended reply. */
function writeOlderFile(path: string) {
  const id = createConversationId()
  const { question, ...reply } = endedReply(id, { id: createReplyId(id), clientMessageId: 'q', text: 'Because.' })
  const file = new DatabaseSync(path)
  file.exec(FIRST_SCHEMA)
  file
    .prepare(`INSERT INTO conversations
      (id, ownerId, encoding, branches, activeBranch, branchEpoch, heads, createdAt, lastMessageAt)
      VALUES (?, 'ann', 'o200k_base', '[]', '0', 0, ?, ?, ?)`)
    .run(id, JSON.stringify(HEADS), TIME, TIME)
  file
    .prepare(`INSERT INTO messages
      (conversationId, branch, sequence, tokens, tokenStart, role, status, content, createdAt)
      VALUES (?, '0', 1, 10, 0, 'USER', 'COMPLETE', 'message 1', ?)`)
    .run(id, TIME + 1)
  const { context, outcome, parts, text } = reply
  file
    .prepare(`INSERT INTO replies
      (id, conversationId, ownerId, clientMessageId, phase, beat, leaseUntil, model, startedAt, endedAt,
        context, outcome, question, parts, text)
      VALUES (?, ?, 'ann', 'q', 'ENDED', 0, ?, 'demo', ?, ?, ?, ?, ?, ?, ?)`)
    .run(
      reply.id,
      id,
      reply.leaseUntil,
      TIME,
      TIME + 9,
      ...[context, outcome, question, parts, text].map((value) => JSON.stringify(value)),
    )
  file.close()
  return { conversation: sampleConversation({ id, heads: HEADS }), reply: { ...reply, question } }
}

test('a file from before messages had versions keeps all that it holds, and takes versions', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'backscroll-sqlite-older-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const path = join(directory, 'backscroll.db')
  const { conversation, reply } = writeOlderFile(path)
  const { id } = conversation
  const open = async () => {
    const database = createSqliteDatabase(path)
    const [history, records] = [createSqliteHistory(database), createSqliteReplies(database)]
    await history.prepare()
    await records.prepare()
    return { history, records }
  }

  const { history, records } = await open()
  expect(await history.findConversations('ann', [id])).toStrictEqual([conversation])
  expect(await history.findMessages([sampleMessage(id, 1).id])).toStrictEqual([sampleMessage(id, 1)])
  expect(await records.findNewest(id)).toStrictEqual(reply)

  const branch = { id: 'k3', parent: '0', atSequence: 1, tokenStart: 0 }
  const edit = { fromEpoch: 0, toEpoch: 1, branch: 'k3', fork: { branch, head: { sequence: 1, tokens: 10 } } }
  expect(await history.switchBranch('ann', id, edit)).toBe(true)
  expect(await history.markRedaction('ann', id, sampleMessage(id, 1).id, TIME)).toBe(true)
  const { question: _, ...regeneration } = sampleReply(id, { replaces: sampleMessage(id, 1).id })
  expect(await records.insert(regeneration)).toBe(true)
  await history.close()

  const again = await open()
  expect(await again.history.findConversations('ann', [id])).toMatchObject([
    { activeBranch: 'k3', branches: [branch], selectedEpochs: { k3: 1 } },
  ])
  expect(await again.history.findUnfinishedRedactions(TIME + 1, 10)).toMatchObject([{ conversationId: id }])
  expect(await again.records.findActive(id)).toStrictEqual(regeneration)
  await again.history.close()
})
