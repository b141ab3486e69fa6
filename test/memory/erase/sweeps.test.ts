import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MongoClient } from 'mongodb'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createBranchId } from '../../../src/memory/ids.ts'
import { type MemoryNode, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, startConversation } from '../../support/stored-conversation.ts'
import { sampleMessages } from '../history/stored-samples.ts'

const HOUR = 3_600_000
/** Branches, and the messages that they are found by, that one sweep looks at. */
const SWEEP_LIMIT = 100

/** A store with a way in that the server has not. */
interface RawStore {
  history: { mongodbUrl: string } | { sqlitePath: string }
  countMessages(conversationId: string): Promise<number>
  spoilBranches(conversationId: string): Promise<void>
  spoilMessages(): Promise<void>
}

function openMongodb(): RawStore {
  const history = newMongodb()
  const client = new MongoClient(history.mongodbUrl)
  onTestFinished(() => client.close())
  return {
    history,
    async spoilMessages() {
      await client
        .db()
        .collection('messages')
        .updateMany({}, { $set: { role: 'junk' } })
    },
    countMessages: (conversationId) => client.db().collection('messages').countDocuments({ conversationId }),
    async spoilBranches(id) {
      await client
        .db()
        .collection<{ _id: string }>('conversations')
        .updateOne({ _id: id }, { $set: { branches: 'junk' } })
    },
  }
}

function openSqlite(): RawStore {
  const directory = mkdtempSync(join(tmpdir(), 'sweeps-'))
  const sqlitePath = join(directory, 'raw.db')
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const query = (sql: string, id: string) => {
    const database = new DatabaseSync(sqlitePath)
    const rows = database.prepare(sql).all(id)
    database.close()
    return rows
  }
  return {
    history: { sqlitePath },
    async spoilMessages() {
      query('UPDATE messages SET role = ? RETURNING role', 'junk')
    },
    async countMessages(id) {
      return Number(query('SELECT count(*) AS count FROM messages WHERE conversationId = ?', id)[0]?.count)
    },
    async spoilBranches(id) {
      query(`UPDATE conversations SET branches = '"junk"' WHERE id = ? RETURNING id`, id)
    },
  }
}

/** An edit of some messages whose node died before it was listed, some hours ago. */
async function leaveEdit({ history }: MemoryNode, id: string, messages: number, unlistedSince: number): Promise<void> {
  const branch = createBranchId()
  const given = sampleMessages(id, 1, messages).map((message) => ({
    ...message,
    branch,
    id: `${message.id}_${branch}`,
  }))
  await history.insertMessages(given, { unlistedSince })
}

describe.each([
  ['MongoDB', openMongodb],
  ['SQLite', openSqlite],
])('on %s', (_, open) => {
  async function start() {
    const store = open()
    const clock = { now: Date.now() }
    const node = await startMemoryNode({ history: store.history, now: () => clock.now })
    return { node, clock, ...store }
  }

  test('a sweep removes so many of what dead edits left, and listed messages are none of its business', async () => {
    const { node, clock, countMessages } = await start()
    const id = await startConversation(node)
    await node.history.insertMessages(sampleMessages(id, 1, 500))
    for (let count = 0; count < 2 * SWEEP_LIMIT + 5; count++) await leaveEdit(node, id, 1, clock.now - 2 * HOUR + count)
    await leaveEdit(node, id, 20, clock.now)
    const counts: number[] = []
    for (let sweep = 0; sweep < 4; sweep++) {
      await node.memory.sweep()
      counts.push(await countMessages(id))
    }
    expect(counts).toEqual([625, 525, 520, 520])
    expect(await node.history.findUnlistedBranches(clock.now, 10)).toEqual([])
    expect(await node.history.findUnlistedBranches(clock.now + 1, 10)).toHaveLength(1)
  })

  test('an edit of many messages goes whole', async () => {
    const { node, clock, countMessages } = await start()
    const id = await startConversation(node)
    await leaveEdit(node, id, 1_200, clock.now - 2 * HOUR)
    await node.memory.sweep()
    expect(await countMessages(id)).toBe(0)
  })

  test('a conversation that cannot be read keeps what is left of edits, and holds up no other', async () => {
    const { node, clock, countMessages, spoilBranches } = await start()
    const [bad, good] = [await startConversation(node), await startConversation(node)]
    await leaveEdit(node, bad, SWEEP_LIMIT + 10, clock.now - 3 * HOUR)
    await leaveEdit(node, good, 2, clock.now - 2 * HOUR)
    await spoilBranches(bad)
    await expect(node.memory.sweep()).rejects.toThrow(bad)
    await node.memory.sweep()
    expect([await countMessages(bad), await countMessages(good)]).toEqual([SWEEP_LIMIT + 10, 0])
    clock.now += HOUR + 1
    await expect(node.memory.sweep()).rejects.toThrow(bad)
  })

  test('conversations that cannot be read hold up no redaction of others', async () => {
    const { node, clock, spoilMessages } = await start()
    const redactLater = async (dropDue: number) => {
      const id = await startConversation(node)
      const [message] = sampleMessages(id, 1, 1)
      await node.history.insertMessages(sampleMessages(id, 1, 1))
      expect(await node.history.markDropDue(OWNER, id, dropDue, message?.id)).toBe(true)
      return message?.id ?? ''
    }
    for (let count = 0; count < SWEEP_LIMIT; count++) await redactLater(clock.now - 3 * HOUR)
    await spoilMessages()
    const good = await redactLater(clock.now - 2 * HOUR)
    await expect(node.memory.sweep()).rejects.toThrow('met faults')
    await node.memory.sweep()
    expect(await node.history.findMessages([good])).toMatchObject([{ status: 'REDACTED' }])
  })

  test.each(['before it is swept', 'after its first pass', 'after its document is gone'])(
    'a deletion leaves nothing of an edit that was left %s',
    async (when) => {
      const { node, clock, countMessages } = await start()
      const id = await startConversation(node)
      await node.history.insertMessages(sampleMessages(id, 1, 5))
      const leave = () => leaveEdit(node, id, 3, clock.now - 2 * HOUR)
      if (when === 'before it is swept') await leave()
      await node.memory.deleteConversation(OWNER, id)
      await node.settle()
      if (when === 'after its first pass') await leave()
      expect(await countMessages(id)).toBe(when === 'after its first pass' ? 3 : 0)
      clock.now += 61_000
      await node.memory.sweep()
      expect(await countMessages(id)).toBe(0)
      if (when !== 'after its document is gone') return
      await leave()
      await node.memory.sweep()
      expect(await countMessages(id)).toBe(0)
    },
  )
})
