import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Redis } from 'ioredis'

await main()

/** The least that a server can do for a cached context: one GET, JSON.parse, JSON.stringify. It ends with its parent. */
async function main(): Promise<void> {
  const [redisUrl = '', key = ''] = process.argv.slice(2)
  const redis = new Redis(redisUrl)
  const answer = async (response: ServerResponse) => {
    const messages: unknown = JSON.parse((await redis.get(key)) ?? '')
    const body = JSON.stringify({ data: { recentContext: { messages } } })
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  }
  const http = createServer((_, response) => void answer(response))
  process.once('disconnect', () => process.exit())
  http.listen(0, '127.0.0.1', () => {
    process.send?.(`http://127.0.0.1:${(http.address() as AddressInfo).port}`)
  })
}
