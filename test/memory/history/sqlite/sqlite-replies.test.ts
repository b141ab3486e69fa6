import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, expect, test, vi } from 'vitest'
import { HistoryUnavailableError } from '../../../../src/errors.ts'
import { createSqliteDatabase } from '../../../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../../../src/memory/history/sqlite/sqlite-history.ts'
import { createSqliteReplies } from '../../../../src/memory/history/sqlite/sqlite-replies.ts'
import { createConversationId } from '../../../../src/memory/ids.ts'
import { everyReplyCall } from '../every-reply-call.ts'
import { describeReplyRecords } from '../reply-records-suite.ts'
import { sampleReply } from '../reply-samples.ts'

const directory = mkdtempSync(join(tmpdir(), 'backscroll-sqlite-replies-'))

afterAll(() => rmSync(directory, { recursive: true }))

describeReplyRecords('replies in a SQLite file', async () =>
  createSqliteReplies(createSqliteDatabase(join(directory, 'suite.db'))),
)
describeReplyRecords('replies in memory', async () => createSqliteReplies(createSqliteDatabase(':memory:')))

test('history and replies share one file, which the history closes', async () => {
  const path = join(directory, 'shared.db')
  const open = async () => {
    const database = createSqliteDatabase(path)
    const [history, records] = [createSqliteHistory(database), createSqliteReplies(database)]
    await records.prepare()
    await history.prepare()
    return { history, records }
  }
  const reply = sampleReply(createConversationId())
  const first = await open()
  await first.records.insert(reply)
  await first.history.close()
  for (const [name, call] of Object.entries(everyReplyCall(first.records)).filter(([name]) => name !== 'prepare')) {
    await expect(call(), name).rejects.toBeInstanceOf(HistoryUnavailableError)
  }
  const second = await open()
  expect(await second.records.find('ann', reply.id)).toStrictEqual(reply)
  await second.history.close()
})

test('two connections to one file do not both claim a conversation', async () => {
  const path = join(directory, 'claims.db')
  const nodes = [1, 2].map(() => createSqliteReplies(createSqliteDatabase(path)))
  for (const node of nodes) await node.prepare()
  const id = createConversationId()
  const won = await Promise.all(nodes.map((node) => node.insert(sampleReply(id))))
  expect(won).toEqual([true, false])
})

test('every statement searches by an index', async () => {
  const path = join(directory, 'plans.db')
  const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
  const records = createSqliteReplies(createSqliteDatabase(path))
  for (const call of Object.values(everyReplyCall(records))) await call()
  const statements = prepare.mock.calls.map(([sql]) => sql).filter((sql) => !/^(PRAGMA|INSERT)/.test(sql))
  prepare.mockRestore()
  expect(statements).toHaveLength(15)
  const database = new DatabaseSync(path)
  for (const sql of statements) {
    const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()
    expect(plan.map(({ detail }) => String(detail)).join('; '), sql).not.toMatch(/SCAN (?!json_each)|TEMP B-TREE/)
  }
  database.close()
})
