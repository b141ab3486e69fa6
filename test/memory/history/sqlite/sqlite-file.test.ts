import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { HistoryUnavailableError } from '../../../../src/errors.ts'
import { createSqliteDatabase } from '../../../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../../../src/memory/history/sqlite/sqlite-history.ts'
import { createSqliteReplies } from '../../../../src/memory/history/sqlite/sqlite-replies.ts'
import { createConversationId } from '../../../../src/memory/ids.ts'
import { everyHistoryCall } from '../every-history-call.ts'
import { endedReply } from '../reply-samples.ts'
import { sampleConversation, sampleMessage, sampleMessages, TIME } from '../stored-samples.ts'

const run = promisify(execFile)
const directory = mkdtempSync(join(tmpdir(), 'backscroll-sqlite-file-'))

afterAll(() => rmSync(directory, { recursive: true }))

describe('the SQLite file', () => {
  it('is shared by processes: 32 writers in four of them leave no gap and lose nothing', async () => {
    const path = join(directory, 'shared', 'history.db')
    const id = createConversationId()
    const program = fileURLToPath(new URL('./sqlite-writer.ts', import.meta.url))
    const processes = Array.from({ length: 4 }, (_, index) => [program, path, id, `p${index}`, '8', '5'])
    await Promise.all(processes.map((argv) => run(process.execPath, argv)))
    const history = createSqliteHistory(path)
    await history.prepare()
    const all = { conversationId: id, branch: '0', afterSequence: 0, beforeSequence: 1_000, limit: 1_000 }
    const { messages } = await history.readSequenceRange({ ...all, from: 'OLDEST' })
    expect(messages.map(({ sequence }) => sequence)).toStrictEqual(Array.from({ length: 160 }, (_, index) => index + 1))
    expect(new Set(messages.map(({ clientMessageId }) => clientMessageId)).size).toBe(160)
    await history.close()
  })

  it('keeps what it acknowledged when it is opened again', async () => {
    const path = join(directory, 'again.db')
    const first = createSqliteHistory(path)
    await first.prepare()
    const { conversation } = await first.createConversation(sampleConversation())
    await first.insertMessages(sampleMessages(conversation.id, 1, 3))
    await first.close()
    const second = createSqliteHistory(path)
    await second.prepare()
    await second.prepare()
    expect(await second.findConversations('ann', [conversation.id])).toStrictEqual([conversation])
    expect(await second.findMessages([sampleMessage(conversation.id, 3).id])).toMatchObject([{ sequence: 3 }])
    await second.close()
  })

  it('waits for the disk again after a write that did not, and after one that failed', () => {
    const database = createSqliteDatabase(':memory:')
    database.open('CREATE TABLE IF NOT EXISTS hints (hint INTEGER NOT NULL)')
    const full = [{ synchronous: 2 }]
    const insert = (hint: number | null) =>
      database.unsynced(() => database.run('INSERT INTO hints VALUES (:hint)', { hint }))
    expect(database.all('PRAGMA synchronous', {})).toEqual(full)
    expect(insert(1)).toBe(1)
    expect(database.all('PRAGMA synchronous', {})).toEqual(full)
    expect(() => insert(null)).toThrow('NOT NULL')
    expect(database.all('PRAGMA synchronous', {})).toEqual(full)
    expect(database.all('SELECT hint FROM hints', {})).toEqual([{ hint: 1 }])
    database.close()
  })

  it('holds no trace of a conversation that was erased', async () => {
    const folder = join(directory, 'erased')
    const history = createSqliteHistory(join(folder, 'history.db'))
    await history.prepare()
    const secret = 'the secret of conversation seven'
    const given = { title: `${secret} title`, instructions: `${secret} instructions` }
    const { conversation } = await history.createConversation(sampleConversation(given))
    const messages = sampleMessages(conversation.id, 1, 300).map((message) => {
      return { ...message, parts: [{ type: 'text' as const, text: `${secret} ${message.sequence}` }] }
    })
    await history.insertMessages(messages)
    const traces = () => readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(secret))
    expect(traces()).toBe(true)
    await history.markDeleted('ann', conversation.id, TIME)
    while ((await history.removeMessages(conversation.id, 100)).messages > 0);
    await history.removeConversation(conversation.id)
    expect(traces()).toBe(false)
    await history.close()
  })

  it('holds no trace of what a message and its reply said before they were redacted', async () => {
    const folder = join(directory, 'redacted')
    const database = createSqliteDatabase(join(folder, 'history.db'))
    const [history, replies] = [createSqliteHistory(database), createSqliteReplies(database)]
    await history.prepare()
    await replies.prepare()
    const id = createConversationId()
    const reply = endedReply(id, { text: 'the secret of a reply' })
    await replies.insert(reply)
    // As long as a page and longer, between others of other lengths: rows are moved and split.
    const messages = sampleMessages(id, 1, 200).map((message) => {
      const filling = 'x'.repeat((message.sequence * 7_919) % 9_000)
      return { ...message, parts: [{ type: 'text' as const, text: `the secret of ${message.sequence}! ${filling}` }] }
    })
    await history.insertMessages(messages)
    const traces = (secret: string) =>
      readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(secret))
    expect(traces('the secret of a reply')).toBe(true)
    for (const { id: messageId, sequence } of messages.filter((each) => each.sequence % 3 === 0)) {
      expect(traces(`the secret of ${sequence}!`)).toBe(true)
      await history.redactMessage(messageId, [])
      expect(traces(`the secret of ${sequence}!`)).toBe(false)
    }
    await replies.redact(reply.id, { text: '' })
    expect(traces('the secret of a reply')).toBe(false)
    await history.close()
  })

  it('is searched by its indexes in every statement, whatever its size', async () => {
    const path = join(directory, 'plans.db')
    const prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')
    const history = createSqliteHistory(path)
    for (const call of Object.values(everyHistoryCall(history))) await call()
    const { id } = sampleConversation()
    const list = { ownerId: 'ann', archived: false, limit: 10, from: 'OLDEST' as const }
    await history.listConversations(list)
    await history.readSequenceRange({
      conversationId: id,
      branch: '0',
      afterSequence: 0,
      beforeSequence: 9,
      limit: 1,
      from: 'NEWEST',
    })
    await history.createConversation(sampleConversation({ externalId: 'x' }))
    const statements = prepare.mock.calls.map(([sql]) => sql).filter((sql) => !/^(PRAGMA|INSERT)/.test(sql))
    prepare.mockRestore()
    expect(statements.length).toBeGreaterThan(12)
    const database = new DatabaseSync(path)
    for (const sql of statements) {
      const plan = database
        .prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => String(detail))
      expect(plan.join('; '), sql).not.toMatch(/SCAN (?!json_each)|TEMP B-TREE/)
    }
    database.close()
    await history.close()
  })

  it('reads a budget of a hundred thousand messages', async () => {
    const history = createSqliteHistory(':memory:')
    await history.prepare()
    const conversationId = createConversationId()
    for (let last = 0; last < 100_000; last += 1_000) {
      await history.insertMessages(sampleMessages(conversationId, last + 1, last + 1_000))
    }
    const range = { conversationId, branch: '0', fromTokens: 999_400, limit: 10_000 }
    const messages = await history.readTokenRange(range)
    expect(messages.map(({ sequence }) => sequence)).toStrictEqual(
      Array.from({ length: 60 }, (_, index) => 100_000 - index),
    )
    await history.close()
  })

  it('is unavailable while another process holds it, and works when it is free', async () => {
    const path = join(directory, 'held.db')
    const history = createSqliteHistory(path)
    await history.prepare()
    const other = new DatabaseSync(path)
    other.exec('BEGIN IMMEDIATE')
    const id = createConversationId()
    await expect(history.insertMessages(sampleMessages(id, 1, 1))).rejects.toBeInstanceOf(HistoryUnavailableError)
    expect(await history.readTokenRange({ conversationId: id, branch: '0', fromTokens: 0, limit: 1 })).toStrictEqual([])
    other.exec('COMMIT')
    other.close()
    expect(await history.insertMessages(sampleMessages(id, 1, 1))).toStrictEqual({ inserted: 1, duplicate: false })
    await history.close()
  })

  it('is unavailable when it cannot be opened, is no database, or is closed', async () => {
    const file = join(directory, 'file')
    writeFileSync(file, 'this is no database, and long enough to say so: '.repeat(50))
    for (const path of [join(file, 'below.db'), file]) {
      const history = createSqliteHistory(path)
      await expect(history.prepare()).rejects.toMatchObject({ code: 'HISTORY_UNAVAILABLE', retryable: false })
      await history.close()
      await expect(history.findUnfinishedDeletions(0, 1)).rejects.toBeInstanceOf(HistoryUnavailableError)
    }
  })

  it('leaves a programming error what it is', async () => {
    const history = createSqliteHistory(':memory:')
    await history.prepare()
    const broken = sampleMessage(createConversationId(), 1, { tokens: 1.5 })
    await expect(history.insertMessages([broken])).rejects.not.toBeInstanceOf(HistoryUnavailableError)
    await history.close()
  })
})
