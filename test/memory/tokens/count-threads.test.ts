import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCountThreads } from '../../../src/memory/tokens/count-threads.ts'

/** Threads that do as the first text says, as long as the file that the second one names is not there. */
const FAULTY = `
  import { existsSync, writeFileSync } from 'node:fs'
  export function countGroups({ groups: [[fault, marker]] }) {
    if (existsSync(marker)) return [1]
    writeFileSync(marker, '')
    if (fault === 'hang') for (;;);
    if (fault === 'die') process.exit(1)
    if (fault === 'break') setImmediate(() => { throw new Error('broken') })
    return new Promise(() => {})
  }`

test.each(['hang', 'die'])('a thread that does %s is replaced, and its task is done again', async (fault) => {
  const { run, deadlines, marker } = await startThreads()
  const counted = run({ encoding: 'o200k_base', groups: [[fault, marker]] })
  await vi.waitUntil(() => existsSync(marker), { timeout: 60_000, interval: 10 })
  deadlines[0]?.abort()
  expect(await counted).toEqual([1])
  expect(deadlines).toHaveLength(2)
})

test('a thread that breaks is replaced, and its task is done again', async () => {
  const { run, deadlines, marker } = await startThreads()
  expect(await run({ encoding: 'o200k_base', groups: [['break', marker]] })).toEqual([1])
  expect(deadlines).toHaveLength(2)
})

test('a task that no thread does is given up', async () => {
  const { run, deadlines } = await startThreads()
  const counted = run({ encoding: 'o200k_base', groups: [['break', '/dev/null/nowhere']] })
  await expect(counted).rejects.toThrow()
  expect(deadlines).toHaveLength(3)
})

async function startThreads() {
  const folder = await mkdtemp(join(tmpdir(), 'count-threads-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'faulty.mjs')
  await writeFile(file, FAULTY)
  const deadlines: AbortController[] = []
  const threads = createCountThreads({
    threads: 1,
    idleMs: 60_000,
    file: pathToFileURL(file),
    createDeadline() {
      const controller = new AbortController()
      deadlines.push(controller)
      return controller.signal
    },
  })
  onTestFinished(threads.close)
  return { run: threads.run, deadlines, marker: join(folder, 'marker') }
}
