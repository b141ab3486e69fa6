import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Step } from './steps.ts'
import { createWorld, type World } from './world.ts'

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

/** One node gets ahead of the others; what it sent last may arrive first. */
const burst = fc.tuple(node, fc.integer({ min: 2, max: 9 }), fc.boolean()).map(
  ([name, count, isLastFirst]): Move =>
    async ({ steps: { pending } }) => {
      const isOwn = (candidate: Step) => candidate.node === name
      for (let left = count; left > 0; left--)
        await (isLastFirst ? pending.findLast(isOwn) : pending.find(isOwn))?.run()
    },
)

/** A step of the cache fails: it never arrives, or arrives after its node gave it up. */
const fault = fc.tuple(fc.nat(9), fc.boolean()).map(
  ([index, isLate]): Move =>
    async ({ steps: { pending }, ledger }) => {
      const candidates = pending.filter(({ name }) =>
        ['readEntries', 'openEntry', 'open', 'mark', 'confirm', 'fill', 'drop'].includes(name),
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
/** One of the messages on paths, if there is one yet. */
function onMessage(index: number, move: (world: World, messageId: string) => Promise<void>): Move {
  return (world) => {
    const messages = world.messages()
    const message = messages[index % Math.max(1, messages.length)]
    return message && move(world, message.id)
  }
}

const edit = fc
  .tuple(node, fc.nat(2), fc.integer({ min: 1, max: 2 }))
  .map(([name, index, id]) =>
    onMessage(index, (world, target) => world.edit(name, target, ['e', 'f'].slice(0, id), `edit-${id}-of-${target}`)),
  )
const editNew = fc
  .tuple(node, fc.nat(9))
  .map(([name, index]) => onMessage(index, (world, target) => world.edit(name, target, ['edit'])))
const select = fc
  .tuple(node, fc.nat(5))
  .map(([name, index]) => onMessage(index, (world, target) => world.select(name, target)))
const send = fc.tuple(node, fc.integer({ min: 1, max: 3 })).map(
  ([name, id]): Move =>
    (world) =>
      world.send(name, `q${id}`, undefined, `send-${id}`),
)
const sendAgain = fc
  .tuple(node, fc.nat(2))
  .map(([name, index]) => onMessage(index, (world, target) => world.send(name, 'how', target, `send-of-${target}`)))
const redact = fc
  .tuple(node, fc.nat(4))
  .map(([name, index]) => onMessage(index, (world, target) => world.redact(name, target)))
/** Marks become old, and conversations that were read. */
const age = fc.constant<Move>((world) => world.pass(61_000))
/** Longer than a tail lives. */
const ageOfTails = fc.constant<Move>((world) => world.pass(3_700_000))
const deletion = node.map(
  (name): Move =>
    (world) =>
      world.delete(name),
)
const crash = fc.constant<Move>((world) => world.steps.crash('C'))

const calm = [
  { arbitrary: step, weight: 14 },
  { arbitrary: burst, weight: 6 },
  { arbitrary: append, weight: 3 },
  { arbitrary: appendNew, weight: 3 },
  { arbitrary: read, weight: 5 },
]
const faults = [
  { arbitrary: fault, weight: 3 },
  { arbitrary: loss, weight: 1 },
  { arbitrary: crash, weight: 1 },
]

const versions = [
  { arbitrary: edit, weight: 2 },
  { arbitrary: editNew, weight: 1 },
  { arbitrary: select, weight: 3 },
  { arbitrary: send, weight: 1 },
  { arbitrary: sendAgain, weight: 1 },
]
/** Little else than what changes the path, so that much of it happens at once. */
const switches = [
  { arbitrary: step, weight: 6 },
  { arbitrary: burst, weight: 10 },
  { arbitrary: read, weight: 4 },
  { arbitrary: edit, weight: 3 },
  { arbitrary: select, weight: 4 },
]

/** Two versions of a message, the newer one in the cache. */
async function begin(world: World): Promise<void> {
  await world.append('A', 'm0')
  await world.steps.runAll()
  await onMessage(0, (_, first) => world.edit('A', first, ['e0']))(world)
  await world.steps.runAll()
  await world.read('A')
  await world.steps.runAll()
}

async function play(moves: readonly Move[]): Promise<World> {
  const world = createWorld()
  for (const move of moves) await move(world)
  await world.steps.runAll()
  for (const consistency of ['EVENTUAL', 'STRONG'] as const) {
    await world.read('A', consistency)
    await world.steps.runAll()
  }
  expect(world.ledger.answers.length).toBeGreaterThanOrEqual(2)
  expect(world.ledger.violations).toEqual([])
  return world
}

const worlds = [
  { name: 'appends', moves: calm },
  { name: 'switches', moves: switches, first: [begin] },
  { name: 'appends and versions', moves: [...calm, ...versions] },
  { name: 'appends and faults', moves: [...calm, ...faults] },
  {
    name: 'appends, versions, faults and time',
    moves: [...calm, ...versions, ...faults, { arbitrary: age, weight: 1 }],
  },
  {
    name: 'appends and redactions',
    moves: [...calm, { arbitrary: redact, weight: 3 }, { arbitrary: send, weight: 2 }],
  },
  {
    name: 'appends, versions, redactions, faults and time',
    moves: [
      ...calm,
      ...versions,
      ...faults,
      { arbitrary: redact, weight: 3 },
      { arbitrary: age, weight: 1 },
      { arbitrary: ageOfTails, weight: 1 },
    ],
  },
  {
    name: 'appends, versions, faults and a deletion',
    moves: [...calm, ...versions, ...faults, { arbitrary: deletion, weight: 1 }],
  },
]

/** The games take a minute of processor time, however much of it they get. */
const GAMES_TIMEOUT_MS = 600_000

test.each(worlds)(
  'no interleaving of reads, $name shows a context that the contract forbids',
  async ({ moves, first = [] }) => {
    const game = fc.array(fc.oneof(...moves), { minLength: 10, maxLength: 100, size: 'max' })
    await fc.assert(
      fc.asyncProperty(game, async (chosen) => void (await play([...first, ...chosen]))),
      { numRuns: 1_000 },
    )
  },
  GAMES_TIMEOUT_MS,
)
