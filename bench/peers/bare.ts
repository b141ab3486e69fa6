import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Redis } from 'ioredis'

/**
 * A bare Node server: it parses the body, gets what Redis holds under `bare:<conversationId>` (JSON of
 * the messages, which the bench puts there), parses it and answers with it. PORT and REDIS_URL as for src/main.ts.
 */
const redis = new Redis(process.env.REDIS_URL ?? '')

createServer((request, response) => {
  answer(request, response).catch(() => response.destroy())
}).listen(Number(process.env.PORT), '127.0.0.1')

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { variables } = JSON.parse(await textOf(request))
  const messages = JSON.parse((await redis.get(`bare:${variables?.id}`)) ?? '[]')
  const body = Buffer.from(JSON.stringify({ data: { recentContext: { messages } } }))
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': body.length })
  response.end(body)
}

async function textOf(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8')
  let text = ''
  for await (const chunk of request) text += chunk
  return text
}
