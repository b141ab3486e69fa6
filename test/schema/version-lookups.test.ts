import { expect, test } from 'vitest'
import { appendTexts, startConversation } from '../support/conversation-operations.ts'
import { startTestServer } from '../support/test-server.ts'

test('the versions of all messages of a list are looked up in their conversation once', async () => {
  const { client, history } = await startTestServer()
  const id = await startConversation(client)
  await appendTexts(client, id, ...Array.from({ length: 50 }, (_, index) => `text ${index}`))
  const read = async (field: string) => {
    history.resetCounts()
    const query = `{ recentContext(conversationId: "${id}", maxTokens: 1000) { messages { ${field} } } }`
    expect(await client.post({ query })).toMatchObject({ data: { recentContext: { messages: { length: 50 } } } })
    return history.calls.filter((call) => call === 'findConversations').length
  }
  await read('id')
  expect(await read('versions')).toBe((await read('id')) + 1)
})
