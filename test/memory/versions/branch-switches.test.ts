import { describe, expect, test } from 'vitest'
import type { Step } from '../interleaving/steps.ts'
import { createWorld, type World } from '../interleaving/world.ts'

/** A mark that is older is taken for that of a dead switch. */
const AGE_MS = 60_001
const MISS = ['readEntries', 'findConversations', 'readTokenRange']

const SWITCHES: Record<string, (world: World, node: string) => Promise<void>> = {
  edit: (world, node) => world.edit(node, firstOf(world), ['edited']),
  'question in the place of another': (world, node) => world.send(node, 'sent', firstOf(world)),
  selection: (world, node) => world.select(node, firstOf(world)),
}

describe.each(Object.entries(SWITCHES))('an acknowledged %s', (_, begin) => {
  test('is what reads show, whatever the order of its steps and those of a read that fills the cache', async () => {
    const orders = await inEveryOrder(async (choose) => {
      const world = await startWorld()
      world.cache.expire(world.conversationId, 'tail')
      await world.read('A')
      await begin(world, 'B')
      for (let next = nextSteps(world); next.length > 0; next = nextSteps(world)) await next[choose(next.length)]?.run()
      await world.read('C')
      await world.steps.runAll()
      expect(world.ledger.violations).toEqual([])
      expect(world.ledger.answers).toHaveLength(3)
    })
    expect(orders).toBeGreaterThan(100)
  })
})

describe.each(Object.entries(SWITCHES))('the mark of a dead %s', (_, begin) => {
  test('sends every read to history, until one that finds it old ends that', async () => {
    const world = await startWorld()
    await begin(world, 'B')
    await world.steps.run('B', 'findConversations', 'findMessages')
    await world.steps.find('B', 'mark').run()
    world.steps.crash('B')
    for (let reads = 2; reads > 0; reads--) expect(await read(world)).toEqual(MISS)
    world.pass(AGE_MS)
    expect(await read(world)).toEqual([...MISS, 'switchBranch'])
    expect(await read(world)).toEqual([...MISS, 'fill'])
    expect(await read(world)).toEqual(['readEntries'])
    expect(world.ledger.violations).toEqual([])
  })

  test('may be that of one that lives after all: it begins again', async () => {
    const world = await startWorld()
    await begin(world, 'B')
    const { steps } = world
    while (steps.pending[0]?.name !== 'switchBranch') await steps.pending[0]?.run()
    world.pass(AGE_MS)
    expect(await read(world)).toEqual([...MISS, 'switchBranch'])
    const names = await namesOf(world, 'B')
    expect(names.filter((name) => name === 'switchBranch')).toHaveLength(2)
    await read(world)
    expect(world.ledger.violations).toEqual([])
  })
})

describe('what another switched is not acknowledged before it is marked: ', () => {
  test('a selection that was made already', async () => {
    const world = await startWorld()
    const { steps } = world
    await world.select('B', firstOf(world))
    await steps.run('B', 'findConversations', 'findMessages', 'switchBranch')
    await world.select('C', firstOf(world))
    await steps.runAll('C')
    expect(steps.pending.map(({ name }) => name)).toEqual(['mark'])
    await read(world)
    expect(world.ledger.violations).toEqual([])
  })

  test('an edit that was sent twice', async () => {
    const world = await startWorld()
    const { steps } = world
    await world.edit('B', firstOf(world), ['twice'], 'id')
    await steps.run('B', 'findConversations', 'findMessages', 'findByIdempotencyKeys', 'mark', 'insertMessages')
    await world.edit('C', firstOf(world), ['another'])
    await steps.runAll('C')
    await read(world)
    await world.edit('D', firstOf(world), ['twice'], 'id')
    await steps.run('D', 'findConversations', 'findMessages', 'findByIdempotencyKeys')
    await steps.run('D', 'insertMessages', 'findByIdempotencyKeys', 'switchBranch')
    await steps.run('B', 'switchBranch', 'findConversations', 'mark')
    expect(steps.pending.map(({ node, name }) => `${node} ${name}`)).toEqual(['D mark', 'B confirm', 'B raiseHead'])
    await read(world)
    expect(world.ledger.violations).toEqual([])
  })
})

test('an edit of two messages that finds itself stored by another attempt lists no branch of its own', async () => {
  const world = await startWorld()
  const { steps } = world
  await world.edit('B', firstOf(world), ['one', 'two'], 'id')
  await steps.run('B', 'findConversations', 'findMessages', 'findByIdempotencyKeys')
  await world.edit('C', firstOf(world), ['one', 'two'], 'id')
  await steps.runAll('C')
  await steps.runAll('B')
  await read(world)
  expect(world.ledger.violations).toEqual([])
})

/** Two versions of a message, the newer one active and in the cache. */
async function startWorld(): Promise<World> {
  const world = createWorld()
  await world.append('A', 'm0')
  await world.steps.runAll()
  await world.edit('A', firstOf(world), ['e0'])
  await world.steps.runAll()
  await read(world)
  return world
}

/** Those that can make a difference to a read: what a node sent at once arrives in any order. */
function nextSteps({ steps: { pending } }: World): Step[] {
  return pending.filter(({ name }) => name !== 'confirm' && name !== 'raiseHead')
}

function firstOf(world: World): string {
  return world.messages()[0]?.id ?? ''
}

/** Reads on one node alone; the names of its steps. */
async function read(world: World): Promise<string[]> {
  await world.read('A')
  return namesOf(world, 'A')
}

/** Runs all steps of a node; their names. */
async function namesOf({ steps }: World, node: string): Promise<string[]> {
  const names: string[] = []
  for (;;) {
    const step = steps.pending.find((candidate) => candidate.node === node)
    if (step === undefined) return names
    names.push(step.name)
    await step.run()
  }
}

/** Plays once for each way to choose; `choose` says which of so many comes next. */
async function inEveryOrder(play: (choose: (count: number) => number) => Promise<void>): Promise<number> {
  let choices: { taken: number; count: number }[] = []
  for (let orders = 1; ; orders++) {
    let chosen = 0
    await play((count) => {
      if (chosen === choices.length) choices.push({ taken: 0, count })
      return choices[chosen++]?.taken ?? 0
    })
    const last = choices.findLastIndex(({ taken, count }) => taken + 1 < count)
    const choice = choices[last]
    if (choice === undefined) return orders
    choices = [...choices.slice(0, last), { ...choice, taken: choice.taken + 1 }]
  }
}
