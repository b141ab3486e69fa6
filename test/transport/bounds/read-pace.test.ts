import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { createReadPace } from '../../../src/transport/bounds/read-pace.ts'
import { createTurns } from '../../../src/transport/bounds/turns.ts'

const MB = 1_048_576
const PIECE = 65_536

test('of large ones that come at once, one is read on in each turn', async () => {
  const turns = createTurns(10, () => 0)
  const connections = Array.from({ length: 4 }, () => startConnection(turns))
  for (const connection of connections) connection.receive(MB)
  expect(connections.map(({ isRead }) => isRead())).toEqual([true, false, false, false])
  await new Promise(setImmediate)
  expect(connections.map(({ isRead }) => isRead())).toEqual([true, true, false, false])
  await new Promise(setImmediate)
  expect(connections.map(({ isRead }) => isRead())).toEqual([true, true, true, false])
})

test('what is small waits for nobody while there is time', () => {
  const turns = createTurns(10, () => 0)
  startConnection(turns).receive(MB)
  startConnection(turns).receive(MB)
  const small = startConnection(turns)
  small.receive(PIECE)
  expect(small.isRead()).toBe(true)
})

test('a piece of a byte counts for more than it holds', () => {
  let clock = 0
  const turns = createTurns(10, () => clock)
  const connection = startConnection(turns)
  connection.receive(1)
  clock = 10
  for (let count = 0; count < 20; count += 1) connection.receive(1)
  expect(connection.isRead()).toBe(false)
})

test('one that somebody else holds is not read on in its turn', async () => {
  const turns = createTurns(10, () => 0)
  let mayRead = true
  startConnection(turns).receive(MB)
  const held = startConnection(turns, () => mayRead)
  held.receive(MB)
  mayRead = false
  for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate)
  expect(held.isRead()).toBe(false)
})

/** A connection of which one large message comes in pieces. */
function startConnection(turns: ReturnType<typeof createTurns>, mayRead?: () => boolean) {
  let isRead = true
  const socket = Object.assign(new EventEmitter(), {
    pause: () => {
      isRead = false
    },
    resume: () => {
      isRead = true
    },
  })
  const pace = createReadPace(socket as unknown as Socket, turns, mayRead)
  const receive = (bytes: number) => {
    for (let left = bytes; left > 0 && isRead; left -= PIECE) pace.add(Math.min(left, PIECE))
  }
  return { receive, isRead: () => isRead }
}
