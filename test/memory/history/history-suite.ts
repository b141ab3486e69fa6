import { afterAll, beforeAll, describe } from 'vitest'
import type { History } from '../../../src/memory/history/history.ts'
import { describeConversations } from './history-conversations.ts'
import { describeDeletions } from './history-deletions.ts'
import { describeMessages } from './history-messages.ts'
import { describeRedactions } from './history-redactions.ts'
import { describeSwitches } from './history-switches.ts'

/** What a case gets: the history, and the time that it believes. */
export interface HistoryUnderTest {
  history: History
  now: number
}

/** One suite for every history: `create` gives an empty one, which believes the given clock. */
export function describeHistory(name: string, create: (now: () => number) => Promise<History>): void {
  describe(name, () => {
    const subject = {} as HistoryUnderTest

    beforeAll(async () => {
      subject.now = Date.UTC(2026, 0, 2)
      subject.history = await create(() => subject.now)
      await subject.history.prepare()
    })

    afterAll(() => subject.history.close())

    describeConversations(subject)
    describeSwitches(subject)
    describeMessages(subject)
    describeRedactions(subject)
    describeDeletions(subject)
  })
}
