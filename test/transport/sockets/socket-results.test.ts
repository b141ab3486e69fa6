import { GraphQLError } from 'graphql'
import { expect, test } from 'vitest'
import { createTurns } from '../../../src/transport/bounds/turns.ts'
import { writeResults } from '../../../src/transport/sockets/socket-results.ts'

test('results are written under the id of their operation, and the next is taken when there is room', async () => {
  const socket = createSocket()
  const taken: number[] = []
  const results = writeResults(socket, 'an "id"', countTo(3, taken), (result) => JSON.stringify(result), createTurns())
  socket.bufferedAmount = 1
  const end = results.next()
  await new Promise(setImmediate)
  expect(taken).toEqual([1])
  socket.flush()
  socket.bufferedAmount = 0
  expect(await end).toEqual({ done: true, value: undefined })
  expect(taken).toEqual([1, 2, 3])
  expect(socket.sent.map((frame) => JSON.parse(frame))).toEqual(
    [1, 2, 3].map((count) => ({ id: 'an "id"', type: 'next', payload: { data: { count } } })),
  )
})

test('a result with errors is handed on, and a return ends the source', async () => {
  const socket = createSocket()
  const failed = { errors: [new GraphQLError('failed')] }
  let hasEnded = false
  const source = (async function* () {
    try {
      yield failed
      yield { data: {} }
    } finally {
      hasEnded = true
    }
  })()
  const results = writeResults(socket, '1', source, () => undefined, createTurns())
  expect(await results.next()).toEqual({ done: false, value: failed })
  await results.return(undefined)
  expect(hasEnded).toBe(true)
  expect(socket.sent).toEqual([])
})

test('a large result is one message, and its text is not copied', async () => {
  const socket = createSocket()
  const text = Buffer.from('{"data":{"a":"☕"}}')
  const pieces: unknown[] = []
  const send = socket.send.bind(socket)
  socket.send = (piece, ...rest) => {
    pieces.push(piece)
    send(piece, ...rest)
  }
  await writeResults(socket, '1', countTo(1, []), () => [text], createTurns()).next()
  expect(pieces).toContain(text)
  expect(socket.sent.map((frame) => JSON.parse(frame))).toEqual([
    { id: '1', type: 'next', payload: { data: { a: '☕' } } },
  ])
})

async function* countTo(end: number, taken: number[]) {
  for (let count = 1; count <= end; count += 1) {
    taken.push(count)
    yield { data: { count } }
  }
}

/** Calls back when the test says so. */
function createSocket() {
  const sent: string[] = []
  const fragments: (string | Buffer)[] = []
  const waiting: (() => void)[] = []
  return {
    sent,
    bufferedAmount: 0,
    send(text: string | Buffer, { fin }: { fin: boolean }, onSent: () => void = () => {}) {
      fragments.push(text)
      if (!fin) return
      sent.push(fragments.splice(0).join(''))
      waiting.push(onSent)
    },
    flush() {
      for (const onSent of waiting.splice(0)) onSent()
    },
  }
}
