import { expect, test } from 'vitest'
import { createCountQueue } from '../../../src/memory/tokens/count-queue.ts'

const TASK = { encoding: 'o200k_base', groups: [] } as const

test('leaves a thread to the short ones, however many long ones wait', async () => {
  const { add, running } = startQueue(3)
  for (let index = 0; index < 10; index++) void add(`long ${index}`, true)
  expect(running()).toEqual(['long 0', 'long 1'])
  void add('short 0', false)
  void add('short 1', false)
  expect(running()).toEqual(['long 0', 'long 1', 'short 0'])
})

test('gives a thread that is free the next of those who wait', async () => {
  const { add, running, finish } = startQueue(2)
  for (let index = 0; index < 3; index++) void add(`long ${index}`, true)
  for (let index = 0; index < 3; index++) void add(`short ${index}`, false)
  await finish('long 0')
  expect(running()).toEqual(['short 0', 'long 1'])
  await finish('short 0')
  expect(running()).toEqual(['long 1', 'short 1'])
})

test('lends the threads of the long ones to short ones while no long one waits', async () => {
  const { add, running } = startQueue(3)
  for (let index = 0; index < 4; index++) void add(`short ${index}`, false)
  expect(running()).toEqual(['short 0', 'short 1', 'short 2'])
})

test('goes on behind one that failed', async () => {
  const { add, running, finish } = startQueue(2)
  const failed = add('long 0', true)
  void add('long 1', true)
  await Promise.all([expect(failed).rejects.toThrow('no thread'), finish('long 0', new Error('no thread'))])
  expect(running()).toEqual(['long 1'])
})

/** Each name is a source; `finish` ends its task. */
function startQueue(threads: number) {
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>()
  const { add } = createCountQueue(({ groups: [[name = ''] = []] }) => {
    const { promise, resolve, reject } = Promise.withResolvers<number[]>()
    ends.set(name, { resolve: () => resolve([]), reject })
    return promise
  }, threads)
  return {
    add(name: string, isLong: boolean) {
      const added = add({ ...TASK, groups: [[name]] }, 10, { ownerId: 'owner', source: name }, isLong)
      added.catch(() => {})
      return added
    },
    running: () => [...ends.keys()],
    async finish(name: string, error?: Error) {
      const end = ends.get(name)
      ends.delete(name)
      if (error) end?.reject(error)
      else end?.resolve()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
