import { expect, test } from 'vitest'
import { createSqliteDatabase } from '../../../../src/memory/history/sqlite/sqlite-database.ts'
import { createSqliteHistory } from '../../../../src/memory/history/sqlite/sqlite-history.ts'
import { createConversationId } from '../../../../src/memory/ids.ts'
import { sampleMessage } from '../stored-samples.ts'

test('long messages are removed few at a time, and short ones many', async () => {
  const transactions: number[] = []
  const database = createSqliteDatabase(':memory:')
  const history = createSqliteHistory({
    ...database,
    transact(work) {
      transactions.push(ticks)
      return database.transact(work)
    },
  })
  await history.prepare()
  let ticks = 0
  let isCounting = true
  const count = () => {
    ticks += 1
    if (isCounting) setImmediate(count)
  }
  const store = async (messages: number, length: number) => {
    const id = createConversationId()
    const parts = [{ type: 'text' as const, text: 'x'.repeat(length) }]
    const batch = Array.from({ length: messages }, (_, index) => sampleMessage(id, index + 1, { parts }))
    for (const message of batch) await history.insertMessages([message])
    return id
  }
  const [long, short, huge] = [await store(20, 900_000), await store(500, 100), await store(3, 3_000_000)]
  count()
  for (const [id, messages, steps] of [
    [long, 20, 10],
    [short, 500, 3],
    [huge, 3, 3],
  ] as const) {
    transactions.length = 0
    expect(await history.removeMessages(id, 1_000)).toEqual({ messages })
    // One more finds nothing left. Between any two the event loop is free.
    expect(transactions).toHaveLength(steps + 1)
    expect(new Set(transactions).size).toBe(steps + 1)
  }
  isCounting = false
  await history.close()
})
