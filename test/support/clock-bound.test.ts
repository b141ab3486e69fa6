import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const TESTS = join(import.meta.dirname, '..')
/** What these need the clock for is said where they use it; none of them fails on a machine that is busy with others. */
const ALLOWED = [
  'attack/',
  'fuzz/',
  'model/',
  'chat/killed-nodes.test.ts',
  'chat/model/junk-server.test.ts',
  'chat/redis-outage.test.ts',
  'chat/run/long-replies.test.ts',
  'memory/history/mongo/mongo-faults.test.ts',
  'memory/history/mongo/mongo-replies.test.ts',
  'memory/mongodb-outage.test.ts',
]
/** The bound of a wait or of a program. */
const WAIT = /(?:waitFor\([^\n]*, |timeout: )(\d[\d_]*)/g
/** What a test waits for may take as long on a busy machine. */
const SHORTEST_WAIT_MS = 60_000
/** A time that was measured, a sleep, and a wait that has only the second that vitest gives it. */
const CLOCK =
  /performance\.now\(\)|setTimeout\(resolve|await delay\(\d|vi\.waitFor\((?:async )?\(\) => [^\n]*[^_\d}A-Z]\)\n/

test('no test measures time, sleeps, or waits for less than a minute, but those that say why', async () => {
  const paths = (await readdir(TESTS, { recursive: true })).filter((path) => path.endsWith('.test.ts'))
  const texts = await Promise.all(paths.map((path) => readFile(join(TESTS, path), 'utf8')))
  const bound = paths.filter(
    (path, index) => path !== 'support/clock-bound.test.ts' && isBound(withoutFakes(texts[index] ?? '')),
  )
  expect(bound.filter((path) => !ALLOWED.some((allowed) => path.startsWith(allowed)))).toEqual([])
})

function isBound(text: string): boolean {
  const waits = [...text.matchAll(WAIT)].map(([, digits = '']) => Number(digits.replaceAll('_', '')))
  return CLOCK.test(text) || waits.some((ms) => ms < SHORTEST_WAIT_MS)
}

/** With fake timers time is the test's own. */
function withoutFakes(text: string): string {
  return text.includes('vi.useFakeTimers(') ? '' : text
}
