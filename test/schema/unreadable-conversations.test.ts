import { expect, test } from 'vitest'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { startTestServer } from '../support/test-server.ts'

test("branches that go round in a circle are one conversation's error, and its owner's list shows all others", async () => {
  const { client, history, log } = await startTestServer()
  const [broken, whole] = [await startConversation(client), await startConversation(client)]
  for (const id of [broken, whole]) await appendTexts(client, id, 'x')
  const branch = { id: 'a', parent: 'b', atSequence: 1, tokenStart: 0 }
  const head = { sequence: 1, tokens: 5 }
  for (const [epoch, newBranch] of [branch, { ...branch, id: 'b', parent: 'a' }].entries()) {
    const change = {
      fromEpoch: epoch,
      toEpoch: epoch + 1,
      branch: newBranch.id,
      newBranch: { branch: newBranch, head },
    }
    expect(await history.switchBranch('local', broken, change)).toBe(true)
  }
  const context = (id: string) =>
    `recentContext(conversationId: "${id}", maxTokens: 100, consistency: STRONG) { messages { content } }`
  const { data, errors } = await client.post({ query: `{ conversations { nodes { id } } whole: ${context(whole)} }` })
  expect(errors).toBeUndefined()
  expect(data).toMatchObject({ conversations: { nodes: { length: 2 } }, whole: { messages: [{ content: 'x' }] } })
  const answer = await client.post({ query: `{ ${context(broken)} }` })
  expect(answer.errors).toMatchObject([{ extensions: { code: 'CONVERSATION_UNREADABLE', conversationId: broken } }])
  expect(log.entries.filter(({ level }) => level === 'error')).toHaveLength(1)
})
