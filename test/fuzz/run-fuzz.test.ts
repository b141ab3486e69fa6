import { rm } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createFaultyServer, type FAULTS } from './faulty-server.ts'
import { type FuzzFailure, runFuzz } from './run-fuzz.ts'

const SEED = 42
const TIMEOUT_MS = 180_000

/** Fuzzes a faulty server until such a failure is found; that failure. */
async function fuzzFaulty(fault: keyof typeof FAULTS, isLookedFor: (failure: FuzzFailure) => boolean) {
  const { directory, main } = await createFaultyServer(fault)
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const isEnough = (failures: readonly FuzzFailure[]) => failures.some(isLookedFor)
  const options = { seed: SEED, seconds: 100, workers: 2, stores: 'embedded', shrinkMs: 3_000 } as const
  const { failures } = await runFuzz({ ...options, isEnough, main })
  return failures.find(isLookedFor)
}

test('a resolver that throws is found, and an operation that calls it', { timeout: TIMEOUT_MS }, async () => {
  const failure = await fuzzFaulty('a resolver that throws', ({ log }) => log.includes('oops'))
  expect(failure?.what).toContain('internal error')
  expect(failure?.sent).toContain('title')
})

test('a server that ends is found', { timeout: TIMEOUT_MS }, async () => {
  const failure = await fuzzFaulty('a server that ends', ({ what }) => what === 'the server ended')
  expect(failure?.sent).toContain('title')
})

test('a log that holds what was said is found', { timeout: TIMEOUT_MS }, async () => {
  expect(
    await fuzzFaulty('a log that holds what was said', ({ what }) => what.includes('the log holds what was said')),
  ).toBeDefined()
})

test('a log that is no JSON is found', { timeout: TIMEOUT_MS }, async () => {
  expect(await fuzzFaulty('a log that is no JSON', ({ what }) => what.includes('a title was read'))).toBeDefined()
})
