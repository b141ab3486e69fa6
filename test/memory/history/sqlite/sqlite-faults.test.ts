import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { HistoryUnavailableError } from '../../../../src/errors.ts'
import type { History } from '../../../../src/memory/history/history.ts'
import { createSqliteDatabase } from '../../../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../../../src/memory/history/sqlite/sqlite-history.ts'
import { createSqliteReplies } from '../../../../src/memory/history/sqlite/sqlite-replies.ts'
import { createConversationId } from '../../../../src/memory/ids.ts'
import { everyHistoryCall } from '../every-history-call.ts'
import { sampleConversation, sampleMessage } from '../stored-samples.ts'
import { mountSmallDisk } from './small-disk.ts'

const MEGABYTE = 1024 * 1024
const FULL = {
  code: 'HISTORY_UNAVAILABLE',
  message: "The history's disk is full: nothing can be stored until there is space.",
  retryable: false,
}

const READ_ONLY = 'The history cannot be written: its file or its directory is read-only.'

async function open(path: string) {
  const database = createSqliteDatabase(path)
  const history = createSqliteHistory(database)
  onTestFinished(() => history.close())
  await history.prepare()
  await createSqliteReplies(database).prepare()
  return { database, history }
}

/** Appends long messages until the history refuses; gives the refusal and what is stored. */
async function fill(history: History, conversationId: string) {
  for (let sequence = 1; ; sequence++) {
    const parts = [{ type: 'text' as const, text: 'secret '.repeat(10_000) }]
    const error = await history.insertMessages([sampleMessage(conversationId, sequence, { parts })]).then(
      () => undefined,
      (reason: HistoryUnavailableError) => reason,
    )
    if (error !== undefined) return { error, stored: sequence - 1 }
  }
}

test('a full disk is named, reads go on, and writes when there is space again', async (context) => {
  const disk = mountSmallDisk(2 * MEGABYTE)
  if (disk === undefined) return context.skip('mounting is not allowed here')
  const ballast = join(disk.directory, 'ballast')
  writeFileSync(ballast, 'x'.repeat(MEGABYTE))
  const path = join(disk.directory, 'backscroll.db')
  const { history } = await open(path)
  const id = createConversationId()
  const { error, stored } = await fill(history, id)
  expect(error).toMatchObject({ ...FULL, reason: `SQLite ${path}: database or disk is full (13)` })
  expect(JSON.stringify([error.message, error.reason])).not.toContain('secret')
  const range = { conversationId: id, branch: '0', fromTokens: 0, limit: 1 }
  expect(await history.readTokenRange(range)).toMatchObject([{ sequence: stored }])
  rmSync(ballast)
  expect(await history.insertMessages([sampleMessage(id, stored + 1)])).toMatchObject({ inserted: 1 })
})

test('a file that may not grow is a full disk to every write, and leaves what is stored whole', async () => {
  const { database, history } = await open(':memory:')
  const [conversation] = [(await history.createConversation(sampleConversation())).conversation]
  database.all('PRAGMA max_page_count = 100', {})
  const { error, stored } = await fill(history, conversation.id)
  expect(error).toMatchObject(FULL)
  await expect(
    history.createConversation(sampleConversation({ instructions: 'long '.repeat(100_000) })),
  ).rejects.toMatchObject(FULL)
  const all = { conversationId: conversation.id, branch: '0', fromTokens: 0, limit: 100 }
  expect(await history.readTokenRange(all)).toHaveLength(stored)
})

test('a history that cannot be written is not ready, and says why', async (context) => {
  const disk = mountSmallDisk(2 * MEGABYTE)
  if (disk === undefined) return context.skip('mounting is not allowed here')
  const path = join(disk.directory, 'backscroll.db')
  const first = createSqliteHistory(path)
  await first.prepare()
  await first.close()
  disk.makeReadOnly()
  const history = createSqliteHistory(path)
  onTestFinished(() => history.close())
  await expect(history.prepare()).rejects.toMatchObject({
    message: expect.stringContaining('must be there, and be writable'),
    retryable: false,
  })
})

test('a database that becomes read-only is named by every write, and is read', async () => {
  const { database, history } = await open(':memory:')
  const { conversation } = await history.createConversation(sampleConversation())
  database.all('PRAGMA query_only = ON', {})
  const { createConversation, insertMessages, raiseHead } = everyHistoryCall(history)
  for (const write of [createConversation, insertMessages, raiseHead, () => updateTitle(conversation.id)]) {
    await expect(write?.()).rejects.toMatchObject({ message: READ_ONLY, retryable: false })
  }
  expect(await history.findConversations('ann', [conversation.id])).toStrictEqual([conversation])

  function updateTitle(id: string) {
    return history.updateConversation('ann', id, { title: 'x' })
  }
})
