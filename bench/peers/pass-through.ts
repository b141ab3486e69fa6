import { request as ask, createServer } from 'node:http'

/** A bare Node proxy: each request goes to OPENAI_BASE_URL and its answer comes back, chunk by chunk. PORT as for src/main.ts. */
const upstreamUrl = `${process.env.OPENAI_BASE_URL}/chat/completions`

createServer((request, response) => {
  const headers = { 'content-type': 'application/json' }
  const upstream = ask(upstreamUrl, { method: 'POST', headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] })
    answer.pipe(response)
  })
  upstream.on('error', () => response.destroy())
  request.pipe(upstream)
}).listen(Number(process.env.PORT), '127.0.0.1')
