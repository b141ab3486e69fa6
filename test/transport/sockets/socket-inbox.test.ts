import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import type { WebSocket } from 'ws'
import { createSharedBudget, type SharedBudget } from '../../../src/transport/bounds/shared-budget.ts'
import { createTurns } from '../../../src/transport/bounds/turns.ts'
import { type SocketFrames, watchFrames } from '../../../src/transport/sockets/socket-frames.ts'
import { MAX_BEGUN_MESSAGES, MAX_UNREAD_FRAME_BYTES, takeInTurn } from '../../../src/transport/sockets/socket-inbox.ts'

const PIECE = Buffer.alloc(65_536)

test('no more is begun than may be unanswered, and what only goes on holds up nothing', async () => {
  const { say, begun, reading, settle } = startInbox()
  for (let index = 0; index < MAX_BEGUN_MESSAGES + 3; index += 1) say(`${index}`)
  await quiet()
  expect([begun.length, reading()]).toEqual([MAX_BEGUN_MESSAGES, false])
  settle[0]?.()
  await quiet()
  expect([begun.length, reading()]).toEqual([MAX_BEGUN_MESSAGES + 1, false])
  settle[1]?.()
  settle[2]?.()
  await quiet()
  expect([begun.length, reading()]).toEqual([MAX_BEGUN_MESSAGES + 3, true])
  expect(begun).toEqual([...begun].sort((a, b) => Number(a) - Number(b)))
})

test('nothing is begun while too much waits to be read', async () => {
  const { client, raw, say, begun, reading } = startInbox()
  client.bufferedAmount = MAX_UNREAD_FRAME_BYTES + 1
  say('a')
  await quiet()
  expect([begun, reading()]).toEqual([[], false])
  client.bufferedAmount = 0
  raw.emit('drain')
  await quiet()
  expect([begun, reading()]).toEqual([['a'], true])
})

test('a large message that does not become whole is stuck, and goes where others need the room', () => {
  const raw = Object.assign(new EventEmitter(), { bytesRead: 0 })
  const client = new EventEmitter()
  const budget = createSharedBudget(300_000)
  let isDropped = false
  const frames = watch({ client, raw, budget }, () => {
    isDropped = true
  })
  const receive = (bytes: number) => {
    raw.bytesRead += bytes
    raw.emit('data', PIECE)
  }
  receive(200_000)
  expect([frames.isStuck(), frames.isStuck()]).toEqual([false, false])
  const whole = Buffer.alloc(1)
  client.emit('message', whole)
  expect(frames.isStuck()).toBe(false)
  frames.end(whole)
  receive(200_000)
  expect([1, 2, 3].map(() => frames.isStuck())).toEqual([false, false, true])
  expect(isDropped).toBe(false)
  budget.open(() => {}).hold(200_000)
  expect(isDropped).toBe(true)
})

test('a large message counts until it is done with, and stays however much others need the room', () => {
  const raw = Object.assign(new EventEmitter(), { bytesRead: 0 })
  const client = new EventEmitter()
  const budget = createSharedBudget(300_000)
  const drop = vi.fn()
  const frames = watch({ client, raw, budget }, drop)
  const whole = Buffer.alloc(1)
  raw.bytesRead = 200_000
  raw.emit('data', PIECE)
  client.emit('message', whole)
  const fits = () => {
    const dropped = vi.fn()
    const share = budget.open(dropped)
    share.hold(200_000)
    share.close()
    return dropped.mock.calls.length === 0
  }
  expect([fits(), drop.mock.calls]).toEqual([false, []])
  frames.end(whole)
  expect(fits()).toBe(true)
  raw.bytesRead = 400_000
  raw.emit('data', PIECE)
  client.emit('message', whole)
  client.emit('close')
  expect(fits()).toBe(true)
})

test('pongs for days are no message that does not become whole', () => {
  const raw = Object.assign(new EventEmitter(), { bytesRead: 0 })
  const client = new EventEmitter()
  const frames = watch({ client, raw, budget: createSharedBudget(300_000) }, () => {})
  for (let count = 0; count < 50_000; count += 1) {
    raw.bytesRead += 6
    raw.emit('data', PIECE)
    client.emit('pong', Buffer.alloc(0))
  }
  expect([1, 2, 3].map(() => frames.isStuck())).toEqual([false, false, false])
})

function watch(
  { client, raw, budget }: { client: EventEmitter; raw: EventEmitter; budget: SharedBudget },
  drop: () => void,
): SocketFrames {
  const connection = Object.assign(raw, { pause() {}, resume() {} })
  const shared = { incoming: budget, turns: createTurns() }
  return watchFrames({ client: client as WebSocket, raw: connection as unknown as Socket }, shared, drop)
}

function startInbox() {
  let isReading = true
  const client = Object.assign(new EventEmitter(), {
    bufferedAmount: 0,
    pause: () => {
      isReading = false
    },
    resume: () => {
      isReading = true
    },
  })
  const raw = new EventEmitter()
  const begun: string[] = []
  const settle: (() => void)[] = []
  takeInTurn({ client: client as unknown as WebSocket, raw: raw as Socket, turns: createTurns() }, (data, onBegun) => {
    begun.push(String(data))
    settle.push(onBegun)
    return new Promise(() => {})
  })
  const say = (text: string) => client.emit('message', Buffer.from(text))
  return { client, raw, begun, settle, say, reading: () => isReading }
}

/** All that is to come by itself has come. */
async function quiet(): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) await new Promise(setImmediate)
}
