import { Readable } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { ModelEvent } from '../../../../src/chat/model/chat-model.ts'
import { readAnswer } from '../../../../src/chat/model/wire/read-answer.ts'

describe('the events of a model', () => {
  test('that come in one piece are given together, up to [DONE]', async () => {
    const { pieces } = await read([`${event('a')}${event('b')}`, `${event('c')}data: [DONE]\n\n${event('d')}`])
    expect(pieces).toEqual([['ab'], ['c']])
  })

  test('are the same wherever the network cuts them, with comments, names and any kind of line end', async () => {
    const stream = Buffer.from(
      `: hello\n\n${event('Grüße')}event: chunk\r\n${event('👋').replaceAll('\n', '\r\n')}: ping\n\n${event('世界')}`,
    )
    const cuts = fc.array(fc.nat(stream.length), { maxLength: 8 })
    await fc.assert(
      fc.asyncProperty(cuts, async (places) => {
        const ends = [...places.toSorted((a, b) => a - b), stream.length]
        const { pieces } = await read(ends.map((end, index) => stream.subarray(index ? ends[index - 1] : 0, end)))
        expect(pieces.flat().join('')).toBe('Grüße👋世界')
      }),
    )
  })

  test.each([
    ['a comment', ': keep-alive\n\n'],
    [
      'encrypted reasoning',
      'data: {"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.encrypted","data":"eA=="}]}}]}\n\n',
    ],
    ['a piece of a tool call', 'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a"}]}}]}\n\n'],
  ])('show a sign of life in %s', async (_what, sign) => {
    const body = readAnswer(streamOf([Buffer.from(sign), Buffer.from(event('a'))]), {})
    expect((await body.next()).value).toEqual([{ type: 'activity' }])
    await body.return(undefined)
  })

  test('need no blank line behind the last one', async () => {
    expect((await read([event('a').trimEnd()])).pieces).toEqual([['a']])
  })

  test.each([
    ['is no JSON', 'data: {"choices"\n\n', 'cannot be read'],
    ['says that the provider failed', 'data: {"error":{"message":"busy"}}\n\n', 'error of its own'],
    ['is named an error', 'event: error\ndata: {"message":"busy"}\n\n', 'error of its own'],
  ])('are given before the one that %s, and none behind it', async (_what, bad, words) => {
    const { pieces, error } = await read([`${event('a')}${bad}${event('b')}`])
    expect(pieces).toEqual([['a']])
    expect(error).toMatchObject({ code: 'MODEL_STREAM_BROKEN', message: expect.stringContaining(words) })
  })

  test('are read no further when one never ends', async () => {
    let sent = 0
    async function* endless() {
      yield Buffer.from('data: "')
      for (; ; sent += 1) yield Buffer.alloc(2 ** 18, 'a')
    }
    expect((await read(streamOf(endless()))).error).toMatchObject({ code: 'MODEL_STREAM_BROKEN' })
    expect(sent).toBeLessThan(20)
  })
})

test.each([
  ['choices', '{"choices":[{}', ',{}', ']}', 'more than 128 choices'],
  ['values', '[{}', ',{}', ']', 'more than 10000 events in one'],
  ['texts in one line', '{}', '{}', '', 'more than 10000 texts'],
  ['texts', '{"choices":[{"index":0,"delta":{"content":["a"', ',"a"', ']}}]}', 'more than 10000 texts'],
  ['content of unknown kinds', '{"choices":[{"index":0,"delta":{"content":[{}', ',{}', ']}}]}', 'unknown kind'],
])(
  'an event of a megabyte that is full of %s is refused before each of them is read',
  async (_of, begin, unit, end, words) => {
    const { error } = await read([`data: ${begin}${unit.repeat(250_000)}${end}\n\n`])
    expect(error).toMatchObject({ code: 'MODEL_STREAM_BROKEN', message: expect.stringContaining(words) })
  },
)

test('arguments of a tool call that are nested without end are refused as they come', async () => {
  const piece = {
    choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { name: 'f', arguments: '['.repeat(400) } }] } }],
  }
  const { error } = await read(Array.from({ length: 3 }, () => `data: ${JSON.stringify(piece)}\n\n`))
  expect(error).toMatchObject({ code: 'MODEL_STREAM_BROKEN', message: expect.stringContaining('1000 levels') })
})

test('arguments of megabytes are not parsed for every finish reason that a server names', async () => {
  const parse = vi.spyOn(JSON, 'parse')
  onTestFinished(() => parse.mockRestore())
  const piece = (text: string) => ({
    choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { name: 'f', arguments: text } }] } }],
  })
  const finish = { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] }
  const events = [
    piece(`{"a":"${'x'.repeat(100_000)}`),
    ...Array.from({ length: 300 }, () => [piece('x'), finish]).flat(),
  ]
  await read(events.map((data) => `data: ${JSON.stringify(data)}\n\n`))
  expect(parse.mock.calls.filter(([text]) => text.startsWith('{"a":"x')).length).toBeLessThan(20)
})

test.each([
  [true, 'is read to its end, however late, so that its connection can serve another call'],
  [false, 'that does not end is left after a second'],
])('an answer behind its [DONE] (%s) %s', async (ends) => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const cancel = vi.fn()
  let end = () => {}
  const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    controller.enqueue(Buffer.from(`${event('a')}data: [DONE]\n\n`))
    end = () => controller.close()
  }
  expect((await read(new ReadableStream<Uint8Array>({ start, cancel }))).pieces).toEqual([['a']])
  await vi.advanceTimersByTimeAsync(900)
  expect(cancel).not.toHaveBeenCalled()
  if (ends) end()
  await vi.advanceTimersByTimeAsync(200)
  expect(cancel).toHaveBeenCalledTimes(ends ? 0 : 1)
})

function event(content: string): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content } }] })}\n\n`
}

/** The texts of each piece, and what ended the stream. */
async function read(body: ReadableStream<Uint8Array> | (string | Uint8Array)[]) {
  const bytes = Array.isArray(body) ? streamOf(body.map((piece) => Buffer.from(piece))) : body
  const pieces: unknown[][] = []
  try {
    for await (const events of readAnswer(bytes, {})) pieces.push(events.flatMap(textOf))
  } catch (error) {
    return { pieces, error }
  }
  return { pieces }
}

function textOf(event: ModelEvent): string[] {
  return event.type === 'text' ? [event.text] : []
}

function streamOf(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): ReadableStream<Uint8Array> {
  return Readable.toWeb(Readable.from(pieces)) as ReadableStream<Uint8Array>
}
