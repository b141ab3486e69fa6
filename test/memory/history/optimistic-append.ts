import type { History } from '../../../src/memory/history/history.ts'
import { sampleMessages } from './stored-samples.ts'

/** Appends messages by the bare promise of `insertMessages`: on a duplicate, read what is newer and go on behind it. */
export async function appendOptimistically(
  history: History,
  conversationId: string,
  author: string,
  count: number,
): Promise<void> {
  let head = 0
  let appended = 0
  while (appended < count) {
    const batch = sampleMessages(conversationId, head + 1, head + count - appended).map((message, index) => {
      return { ...message, clientMessageId: `${author}-${appended + index}` }
    })
    const { inserted } = await history.insertMessages(batch)
    appended += inserted
    head += inserted
    if (appended === count) return
    const range = { conversationId, branch: '0', fromTokens: head * 10, limit: 1 }
    const [newest] = await history.readTokenRange(range)
    head = newest?.sequence ?? head
  }
}
