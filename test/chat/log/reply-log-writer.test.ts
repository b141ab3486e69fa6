import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { PlacedText } from '../../../src/chat/log/delta-placer.ts'
import { createReplyLogWriter } from '../../../src/chat/log/reply-log-writer.ts'
import { createRetryGate } from '../../../src/chat/log/retry-gate.ts'

const LIMITS = { gatherMs: 30, mostTries: 50, writeLength: 65_536 }
const GATE_LIMITS = { retryMs: 250, faultsToPause: 5, pauseMs: 500 }

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A writer on a store that takes all, or refuses while `isAway`. */
function createWorld() {
  const world = { isAway: false, appended: [] as string[], notified: 0, tries: 0 }
  const gate = createRetryGate(GATE_LIMITS)
  const call = <T>(answer: () => T) => {
    world.tries += 1
    return gate.execute(async () => {
      if (world.isAway) throw new Error('away')
      return answer()
    })
  }
  const append = (_: string, { offset, text }: PlacedText) =>
    call(() => {
      world.appended.push(text)
      return offset + text.length
    })
  const notify = () =>
    call(() => {
      world.notified += 1
    })
  const writer = createReplyLogWriter({ gate, append, notify, clear: async () => {}, onUnsent() {} }, LIMITS)
  return Object.assign(world, { writer })
}

test('a reply is written once in 30 ms, whatever the pace of its tokens', async () => {
  const { writer, appended } = createWorld()
  for (let index = 0; index < 90; index += 1) {
    writer.write('reply', index, 'x')
    await vi.advanceTimersByTimeAsync(1)
  }
  expect(appended.map((text) => text.length)).toEqual([30, 30, 30])
})

test('an end sends what is left and notifies, at once', async () => {
  const world = createWorld()
  world.writer.write('reply', 0, 'Hello')
  world.writer.end('reply')
  await vi.advanceTimersByTimeAsync(0)
  expect(world).toMatchObject({ appended: ['Hello'], notified: 1 })
})

test('a notification waits for no text', async () => {
  const world = createWorld()
  world.writer.write('reply', 0, 'Hello')
  world.writer.notify('reply')
  await vi.advanceTimersByTimeAsync(0)
  expect(world.notified).toBe(1)
})

test('while the store is away five thousand replies have one timer and one try a pause, and all go on when it is back', async () => {
  const world = createWorld()
  world.isAway = true
  const replyIds = Array.from({ length: 5_000 }, (_, index) => `reply ${index}`)
  for (const replyId of replyIds) world.writer.write(replyId, 0, 'x')
  await vi.advanceTimersByTimeAsync(LIMITS.gatherMs + GATE_LIMITS.retryMs)
  expect(vi.getTimerCount()).toBe(1)
  const before = world.tries
  await vi.advanceTimersByTimeAsync(10 * GATE_LIMITS.pauseMs)
  expect(vi.getTimerCount()).toBe(1)
  expect(world.tries - before).toBeLessThanOrEqual(10)
  world.isAway = false
  await vi.advanceTimersByTimeAsync(2 * GATE_LIMITS.pauseMs)
  expect(world.appended).toHaveLength(5_000)
  expect(vi.getTimerCount()).toBe(0)
})

test('replies that ended while the store was away are given up, and running ones are not', async () => {
  const world = createWorld()
  world.isAway = true
  world.writer.write('running', 0, 'x')
  for (let index = 0; index < 100; index += 1) {
    world.writer.write(`ended ${index}`, 0, 'y')
    world.writer.end(`ended ${index}`)
  }
  await vi.advanceTimersByTimeAsync((LIMITS.mostTries + 10) * GATE_LIMITS.pauseMs)
  world.isAway = false
  await vi.advanceTimersByTimeAsync(5 * GATE_LIMITS.pauseMs)
  expect(world.appended).toEqual(['x'])
})
