import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createWorld, type World } from './interleaving/world.ts'

const NODES = ['A', 'B', 'C'] as const
const node = fc.constantFrom(...NODES)

type Move = (world: World) => Promise<void> | void

/** One pending step happens, whichever. */
const step = fc.nat(9).map(
  (index): Move =>
    async ({ steps: { pending } }) => {
      await pending[index % Math.max(1, pending.length)]?.run()
    },
)

/** A step of the cache fails: it never arrives, or arrives after its node gave it up. */
const fault = fc.tuple(fc.nat(9), fc.boolean()).map(
  ([index, isLate]): Move =>
    async ({ steps: { pending }, ledger }) => {
      const candidates = pending.filter(({ name }) =>
        ['readEntries', 'open', 'mark', 'confirm', 'fill', 'drop'].includes(name),
      )
      const chosen = candidates[index % Math.max(1, candidates.length)]
      if (chosen === undefined) return
      if (chosen.name === 'mark' || chosen.name === 'drop') ledger.noteLoss(chosen.name)
      await (isLate ? chosen.delay() : chosen.lose())
    },
)

const loss = fc.constantFrom('flush', 'register', 'tail').map(
  (kind): Move =>
    ({ cache, conversationId, ledger }) => {
      if (kind === 'tail') return cache.expire(conversationId, 'tail')
      ledger.noteLoss('register')
      if (kind === 'flush') cache.flush()
      else cache.expire(conversationId, 'register')
    },
)

const append = fc.tuple(node, fc.integer({ min: 1, max: 3 })).map(
  ([name, id]): Move =>
    (world) =>
      world.append(name, `m${id}`, `id-${id}`),
)
const appendNew = node.map((name): Move => {
  return (world) => world.append(name, 'new')
})
const read = fc.tuple(node, fc.constantFrom('EVENTUAL' as const, 'EVENTUAL' as const, 'STRONG' as const)).map(
  ([name, consistency]): Move =>
    (world) =>
      world.read(name, consistency),
)
const branchSwitch = fc.tuple(node, fc.constantFrom('0', 'b1')).map(
  ([name, branch]): Move =>
    (world) =>
      world.switchBranch(name, branch),
)
const deletion = node.map(
  (name): Move =>
    (world) =>
      world.delete(name),
)
const crash = fc.constant<Move>((world) => world.steps.crash('C'))

const calm = [
  { arbitrary: step, weight: 24 },
  { arbitrary: append, weight: 3 },
  { arbitrary: appendNew, weight: 3 },
  { arbitrary: read, weight: 5 },
]
const faults = [
  { arbitrary: fault, weight: 3 },
  { arbitrary: loss, weight: 1 },
  { arbitrary: crash, weight: 1 },
]

async function play(moves: readonly Move[]): Promise<World> {
  const world = createWorld()
  for (const move of moves) await move(world)
  await world.steps.runAll()
  for (const consistency of ['EVENTUAL', 'STRONG'] as const) {
    await world.read('A', consistency)
    await world.steps.runAll()
  }
  expect(world.ledger.reads).toBeGreaterThanOrEqual(2)
  expect(world.ledger.violations).toEqual([])
  return world
}

const worlds = [
  { name: 'appends and reads', moves: calm },
  { name: 'appends, reads and branch switches', moves: [...calm, { arbitrary: branchSwitch, weight: 2 }] },
  { name: 'appends, reads and faults of the cache, and crashes', moves: [...calm, ...faults] },
  {
    name: 'appends, reads, switches, a deletion, faults and crashes',
    moves: [...calm, ...faults, { arbitrary: branchSwitch, weight: 2 }, { arbitrary: deletion, weight: 1 }],
  },
]

test.each(worlds)('no interleaving of $name shows a context that the contract forbids', async ({ moves }) => {
  const game = fc.array(fc.oneof(...moves), { minLength: 10, maxLength: 80, size: 'max' })
  await fc.assert(
    fc.asyncProperty(game, async (chosen) => void (await play(chosen))),
    { numRuns: 2_000 },
  )
})
