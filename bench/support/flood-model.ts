import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A model in a process of its own that says as much as it is listened to: each call gets DELTAS events, the last text is END. */
const { PORT, DELTAS, END } = process.env
const event = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', choices: [{ index: 0, delta, finish_reason }] })}\n\n`
const word = event({ content: 'a few words more, ' })

createServer((request, response) => {
  answer(request, response).catch(() => response.destroy())
}).listen(Number(PORT), '127.0.0.1')

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  await request.resume().toArray()
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let sent = 1; sent < Number(DELTAS); sent++) if (!response.write(word)) await once(response, 'drain')
  response.end(`${event({ content: END })}${event({}, 'stop')}data: [DONE]\n\n`)
}
