import { rm } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createFaultyServer, type FAULTS } from '../fuzz/faulty-server.ts'
import { postAttack } from './attacks.ts'
import { createConversation } from './conversations.ts'
import { createAttackRunner } from './run-attack.ts'

const TIMEOUT_MS = 60_000
const readTitle = postAttack('read-title', 'test', async (target) => {
  const id = await createConversation(target)
  return { query: `{conversation(id:"${id}"){title}}` }
})

async function attackFaulty(fault: keyof typeof FAULTS) {
  const { directory, main } = await createFaultyServer(fault)
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return createAttackRunner(main).run(readTitle)
}

test('a server without a fault stays within the limits of its own time and memory', {
  timeout: TIMEOUT_MS,
}, async () => {
  const { breaks, heldMs } = await createAttackRunner().run(readTitle)
  // What another client waits for depends on the machine, too.
  expect(breaks.filter((what) => what !== 'other')).toEqual([])
  expect(heldMs).toBeLessThan(100)
})

test('a turn that holds the event loop is measured', { timeout: TIMEOUT_MS }, async () => {
  const { breaks, heldMs } = await attackFaulty('a turn that holds the event loop')
  expect(breaks).toContain('held')
  expect(heldMs).toBeGreaterThan(100)
})

test('memory that grows is measured', { timeout: TIMEOUT_MS }, async () => {
  expect((await attackFaulty('memory that grows')).breaks).toContain('grown')
})

test('memory that is not given back is measured', { timeout: TIMEOUT_MS }, async () => {
  expect((await attackFaulty('memory that is not given back')).breaks).toContain('kept')
})

test('an internal error is no outcome, and a server that ends is none', { timeout: TIMEOUT_MS }, async () => {
  expect((await attackFaulty('a resolver that throws')).breaks).toContain('outcome')
  const { outcome, breaks } = await attackFaulty('a server that ends')
  expect(outcome).toContain('server ended')
  expect(breaks).toContain('outcome')
})
