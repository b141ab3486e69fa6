import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { measureLongestTick } from '../support/longest-tick.ts'
import { startTestServer } from '../support/test-server.ts'

const DECODERS = [
  ['br, gzip', 'br', brotliDecompressSync],
  ['gzip, deflate, br;q=0', 'gzip', gunzipSync],
  ['identity', undefined, (page: Buffer) => page],
  ['', undefined, (page: Buffer) => page],
] as const

test('the page is one, compressed as the browser takes it', async () => {
  const { origin } = await startTestServer()
  const pages = []
  for (const [accepted, encoding, decode] of DECODERS) {
    const { statusCode, headers, body } = await get(origin, accepted === '' ? {} : { 'accept-encoding': accepted })
    expect([statusCode, headers['content-encoding'], headers.vary]).toEqual([200, encoding, 'Accept, Accept-Encoding'])
    pages.push(String(decode(body)))
  }
  expect(pages[0]).toContain('recentContext(conversationId: $id')
  expect(new Set(pages).size).toBe(1)
})

test('it runs only its own scripts, and asks nobody but its server', async () => {
  const { origin } = await startTestServer()
  const { headers, body } = await get(origin, {})
  const policy = new Map(
    String(headers['content-security-policy'])
      .split('; ')
      .map((directive) => {
        const [name = '', ...sources] = directive.split(' ')
        return [name, sources]
      }),
  )
  const scripts = [...String(body).matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)]
  const hashes = scripts.map(([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`)
  expect(hashes).not.toEqual([])
  expect(policy.get('script-src')).toEqual(hashes)
  expect([policy.get('default-src'), policy.get('connect-src')]).toEqual([["'none'"], ["'self'"]])
  const markup = String(body).replace(/<(script|style)>[\s\S]*?<\/\1>/g, '')
  expect(markup.match(/ on[a-z]+=|(src|href)="(?!data:)/)?.[0]).toBeUndefined()
})

test('no other page can frame it', async () => {
  const { origin } = await startTestServer()
  const { headers } = await get(origin, { 'accept-encoding': 'br' })
  expect(headers).toMatchObject({
    'x-frame-options': 'DENY',
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    'x-content-type-options': 'nosniff',
  })
})

test('a browser that has the page is told that it is the same', async () => {
  const { origin } = await startTestServer()
  const encoded = { 'accept-encoding': 'br' }
  const { headers } = await get(origin, encoded)
  const again = await get(origin, { ...encoded, 'if-none-match': String(headers.etag) })
  expect([again.statusCode, again.body.length, again.headers.etag]).toEqual([304, 0, headers.etag])
  expect((await get(origin, { 'accept-encoding': 'gzip', 'if-none-match': String(headers.etag) })).statusCode).toBe(200)
})

test('the first visitor, for whom the page is made, holds up nobody', async () => {
  const { origin } = await startTestServer()
  const { longestTickShare } = await measureLongestTick(() => get(origin, { 'accept-encoding': 'br' }))
  expect(longestTickShare).toBeLessThan(0.2)
})

async function get(origin: string, headers: Record<string, string>) {
  const sending = request(`${origin}/graphql`, { headers: { accept: 'text/html', ...headers } }).end()
  const [response] = (await once(sending, 'response')) as [IncomingMessage]
  return { statusCode: response.statusCode, headers: response.headers, body: await buffer(response) }
}
