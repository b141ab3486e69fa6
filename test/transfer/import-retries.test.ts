import { expect, onTestFinished, test } from 'vitest'
import { ClientMessageIdConflictError, HistoryUnavailableError } from '../../src/errors.ts'
import type { Memory } from '../../src/memory/memory.ts'
import { startTestMemory } from '../support/test-memory.ts'
import { transferStoresOf, writeTestFile } from '../support/transfer-stores.ts'

const FILE = JSON.stringify({
  id: 'a',
  archivedAt: '2024-01-01T00:00:00Z',
  // In three batches.
  messages: ['a', 'b', 'c'].map((letter) => ({ role: 'user', content: letter.repeat(400_000) })),
})

/** A memory of whose changes the given call fails, before or behind what it does; -1: each of them. */
async function startFaulty(at: number, error: Error, isLate = false) {
  const { memory, history, stop } = await startTestMemory()
  onTestFinished(stop)
  let calls = 0
  const waits: number[] = []
  const faulty =
    <Input extends unknown[], Output>(change: (...input: Input) => Promise<Output>) =>
    async (...input: Input): Promise<Output> => {
      const isFault = at < 0 || calls++ === at
      if (isFault && !isLate) throw error
      const output = await change(...input)
      if (isFault) throw error
      return output
    }
  const { createConversation, appendDrafts, updateConversation } = memory
  const changed: Memory = {
    ...memory,
    createConversation: faulty(createConversation),
    appendDrafts: faulty(appendDrafts),
    updateConversation: faulty(updateConversation),
  }
  const retries = { retryMs: 1, onRetry: (waitMs: number) => void waits.push(waitMs) }
  return { ...transferStoresOf({ memory: changed, history }, undefined, retries), waits, isReached: () => calls > at }
}

test.each([{ isLate: false }, { isLate: true }])(
  'whichever change cannot reach the history, the import goes on and counts as if none did (done: $isLate)',
  async ({ isLate }) => {
    const path = await writeTestFile('a.json', FILE)
    for (let at = 0, isReached = true; isReached; at++) {
      const stores = await startFaulty(at, new HistoryUnavailableError(new Error('away')), isLate)
      const report = await stores.importFile(path)
      isReached = stores.isReached()
      expect(report, `at ${at}`).toMatchObject({ conversations: 1, messages: 3, refused: 0, hasLosses: false })
      expect(report.stored + report.present, `at ${at}`).toBe(3)
      if (!isLate) expect(report.stored, `at ${at}`).toBe(3)
      const [only, ...others] = await stores.readAll()
      expect(others).toEqual([])
      expect(only?.messages.map(({ sequence, clientMessageId }) => [sequence, clientMessageId])).toEqual(
        [0, 1, 2].map((index) => [index + 1, `import:${index}`]),
      )
      expect(stores.waits, `at ${at}`).toHaveLength(isReached ? 1 : 0)
    }
  },
)

test('a history that stays away ends the import as before, after a bound', async () => {
  const { importFile, waits } = await startFaulty(-1, new HistoryUnavailableError(new Error('away')))
  await expect(importFile(await writeTestFile('a.json', FILE))).rejects.toThrow(HistoryUnavailableError)
  expect(waits).toHaveLength(7)
})

test('what another import stores at the same time is found again, and what stays in conflict is refused', async () => {
  const path = await writeTestFile('a.json', FILE)
  const conflict = new ClientMessageIdConflictError('import:0', 'x', 'in another place')
  const { importFile, waits } = await startFaulty(1, conflict)
  expect(await importFile(path)).toMatchObject({ conversations: 1, messages: 3, stored: 3, refused: 0 })
  expect(waits).toEqual([])
  const lasting = await startFaulty(-1, conflict)
  expect(await lasting.importFile(path)).toMatchObject({ conversations: 0, refused: 1 })
})
