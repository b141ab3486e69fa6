import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { ModelError } from '../../../src/chat/model/chat-model.ts'
import { begin, callOf, closeServers, PATIENT, type Script, textChunk } from '../../support/openai-scripts.ts'
import type { RawCall } from '../../support/raw-model-server.ts'

// At once, so that none may close those of another.
afterAll(closeServers)

const CODES = ['MODEL_STREAM_BROKEN', 'MODEL_UNAVAILABLE', 'MODEL_REJECTED']
const STREAM = 'content-type: text/event-stream\r\nconnection: close'
const EVENT = `data: ${JSON.stringify(textChunk('Hel'))}\n\n`

/** What is no answer of HTTP, or lies about how long it is. */
const ANSWERS: readonly (readonly [string, Script])[] = [
  ['bytes of another protocol', sends('SSH-2.0-OpenSSH_9.9\r\n')],
  ['random bytes', sends(Uint8Array.from({ length: 5_000 }, (_, index) => (index * 7_919) % 251))],
  ['a status that there is not', sends('HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n')],
  ['a status of three letters', sends('HTTP/1.1 abc Odd\r\ncontent-length: 0\r\n\r\n')],
  ['no content', sends('HTTP/1.1 204 No Content\r\n\r\n')],
  ['not modified', sends('HTTP/1.1 304 Not Modified\r\n\r\n')],
  ['a length that is none', sends(`HTTP/1.1 200 OK\r\n${STREAM}\r\ncontent-length: -5\r\n\r\n${EVENT}`)],
  ['two lengths', sends(`HTTP/1.1 200 OK\r\n${STREAM}\r\ncontent-length: 5\r\ncontent-length: 50\r\n\r\n${EVENT}`)],
  [
    'a length and chunks',
    sends(`HTTP/1.1 200 OK\r\n${STREAM}\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:\r\n`),
  ],
  [
    'more than it says',
    sends(`HTTP/1.1 200 OK\r\n${STREAM}\r\ncontent-length: ${EVENT.length}\r\n\r\n${EVENT}${EVENT}`),
  ],
  ['less than it says', sends(`HTTP/1.1 200 OK\r\n${STREAM}\r\ncontent-length: 5000\r\n\r\n${EVENT}`)],
  [
    'a chunk whose size is none',
    sends(`HTTP/1.1 200 OK\r\n${STREAM}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n${EVENT}\r\n`),
  ],
  [
    'a chunk of more bytes than there are numbers',
    sends(`HTTP/1.1 200 OK\r\n${STREAM}\r\ntransfer-encoding: chunked\r\n\r\n${'f'.repeat(20)}\r\n${EVENT}`),
  ],
  ['what is not packed as it says', sends(`HTTP/1.1 200 OK\r\n${STREAM}\r\ncontent-encoding: gzip\r\n\r\n${EVENT}`)],
  [
    'what is packed, in half',
    sends(`HTTP/1.1 200 OK\r\n${STREAM}\r\ncontent-encoding: gzip\r\n\r\n`, gzipSync(EVENT.repeat(50)).subarray(0, 40)),
  ],
  ['headers with NUL', sends(`HTTP/1.1 200 OK\r\n${STREAM}\r\nx: \0\r\n\r\n${EVENT}`)],
]

describe('a call ends', () => {
  test.concurrent.each(ANSWERS)('as one that failed, with %s', async (_what, script) => {
    const { end } = await callOf([script], PATIENT)
    const error = await end
    expect(error).toBeInstanceOf(ModelError)
    expect(CODES).toContain((error as ModelError).code)
    expect((error as ModelError).message).not.toMatch(/127\.0\.0\.1|at /)
  })

  test.concurrent.each<[string, Script]>([
    [
      'headers',
      async (call) => {
        await call.write('HTTP/1.1 200 OK\r\n')
        await forever(() => call.write(`x-${'a'.repeat(1_000)}: b\r\n`))
      },
    ],
    [
      'one header',
      async (call) => {
        await call.write('HTTP/1.1 200 OK\r\nx: ')
        await forever(() => call.write('a'.repeat(1_000)))
      },
    ],
    ['promises to go on', async (call) => forever(() => call.write('HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)))],
  ])('although a server sends %s without end', async (_what, script) => {
    const { end, server } = await callOf([script], { ...PATIENT, firstTokenMs: 2_000 })
    expect(await end).toBeInstanceOf(ModelError)
    await server.calls[0]?.closed
  })

  test.concurrent.each<[string, Script]>([
    ['the status', (call) => drip(call, 'HTTP/1.1 200 OK'.split(''))],
    [
      'headers',
      async (call) => {
        await call.write('HTTP/1.1 200 OK\r\n')
        await drip(call, ['x: y\r\n'])
      },
    ],
    [
      'an event',
      async (call) => {
        await call.write(`HTTP/1.1 200 OK\r\n${STREAM}\r\n\r\ndata: {"choices":[{"delta":{"content":"`)
        await drip(call, ['a'])
      },
    ],
    [
      'an error',
      async (call) => {
        await call.write('HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n')
        await drip(call, ['no'])
      },
    ],
  ])('in time where %s comes drop by drop', async (_what, script) => {
    const { end, server } = await callOf([script], { ...PATIENT, firstTokenMs: 500 })
    expect(await end).toMatchObject({ code: 'MODEL_TIMEOUT' })
    await server.calls[0]?.closed
  })

  test('in time where what follows the first word comes drop by drop', async () => {
    const script: Script = async (call) => {
      await begin('Hel')(call)
      await drip(call, ['1\r\na\r\n'])
    }
    const { end, received, server } = await callOf([script], { ...PATIENT, idleMs: 500 })
    expect(await end).toMatchObject({ code: 'MODEL_TIMEOUT' })
    expect(received).toEqual(['Hel'])
    await server.calls[0]?.closed
  })
})

function sends(...pieces: (string | Uint8Array)[]): Script {
  return async (call) => {
    for (const piece of pieces) await call.write(piece)
    call.end()
  }
}

/** A piece every few milliseconds, the last one again and again: the server is slow, and no test waits for it. */
async function drip(call: RawCall, pieces: readonly string[]): Promise<void> {
  let place = 0
  await forever(async () => {
    await call.write(pieces[Math.min(place, pieces.length - 1)] ?? '')
    place += 1
    await new Promise((resolve) => setTimeout(resolve, 20))
  })
}

/** Until the other side has gone, when writing fails. */
async function forever(work: () => Promise<void>): Promise<void> {
  for (;;) await work()
}
