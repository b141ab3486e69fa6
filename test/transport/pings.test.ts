import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { startConversation } from '../support/conversation-operations.ts'
import { openSocket } from '../support/raw-socket.ts'
import { startTestServer } from '../support/test-server.ts'

const OFTEN = { server: { pingMs: 10 } }
const PINGS = 5

test('a silent stream shows as often as it is told that it lives', async () => {
  const { origin, client } = await startTestServer(undefined, OFTEN)
  const query = `subscription { conversationEvents(conversationId: "${await startConversation(client)}") { cursor } }`
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
  const sending = request(`${origin}/graphql`, { method: 'POST', headers }).end(JSON.stringify({ query }))
  onTestFinished(() => void sending.destroy())
  const [response] = (await once(sending, 'response')) as [IncomingMessage]
  let received = ''
  for await (const text of response.setEncoding('utf8')) {
    received += text
    if (received.split(':\n\n').length > PINGS) break
  }
  expect(received).toContain('cursor')
})

test('a socket too, and one whose answers take longer than that is no dead one', async () => {
  const { origin } = await startTestServer(undefined, OFTEN)
  const { raw } = await openSocket(origin, { autoPong: false })
  for (let pings = 0; pings < PINGS; pings += 1) await once(raw, 'ping')
  expect(raw.readyState).toBe(WebSocket.OPEN)
})
