import { describe, expect, test } from 'vitest'
import { createWorld, type Protections, type World } from './interleaving/world.ts'

/*
 * The table of protocol A7: for each protection the shortest trace that breaks without it. The same
 * steps are taken twice; what a step finds nothing to do for is passed over.
 */
interface Trace {
  protection: keyof Protections
  /** Where several traces break without it. */
  when?: string
  /** Takes the world to just before the last read. */
  take(world: World): Promise<void>
}

const APPEND = ['findConversations', 'mark', 'insertMessages']
const COLD_READ = ['readEntries', 'open', 'findConversations', 'readTokenRange']

const traces: Trace[] = [
  {
    protection: 'markBeforeInsert',
    async take(world) {
      await readThenAppend(world)
      await take(world, 'A', 'fill')
    },
  },
  {
    protection: 'fillNeverLowersMark',
    async take(world) {
      await readThenAppend(world)
      await take(world, 'A', 'fill')
    },
  },
  {
    protection: 'confirmRefusesHole',
    async take(world) {
      await warm(world)
      await appendWhole(world, 'B', 'two')
      await appendWhole(world, 'C', 'three')
      await take(world, 'C', 'confirm')
    },
  },
  {
    protection: 'hitComparesEpoch',
    when: 'a tail is there before an edit',
    async take(world) {
      await warm(world)
      await editWhole(world, 'B')
    },
  },
  {
    protection: 'hitComparesEpoch',
    when: 'a fill from before an edit comes after it',
    async take(world) {
      await world.read('A')
      await take(world, 'A', ...COLD_READ)
      await editWhole(world, 'B')
      await take(world, 'A', 'fill')
    },
  },
  {
    protection: 'hitComparesEpoch',
    when: 'an edit comes after a fill from after its mark',
    async take(world) {
      await world.edit('B', firstOf(world), 'edited')
      await take(world, 'B', 'findConversations', 'findMessages', 'mark', 'insertMessages')
      await warm(world)
      await take(world, 'B', 'switchBranch')
    },
  },
  {
    protection: 'hitComparesEpoch',
    when: 'a fill from before a selection comes after it',
    async take(world) {
      await editWhole(world, 'B')
      await world.read('A')
      await take(world, 'A', ...COLD_READ)
      await selectWhole(world, 'B', firstOf(world))
      await take(world, 'A', 'fill')
    },
  },
  {
    protection: 'marksPerBranch',
    async take(world) {
      await warm(world)
      await world.append('B', 'two')
      await take(world, 'B', 'findConversations')
      await editWhole(world, 'C')
      await selectWhole(world, 'C', firstOf(world))
      await world.read('A')
      await take(world, 'A', ...COLD_READ, 'fill')
      await take(world, 'B', 'mark', 'insertMessages')
    },
  },
  {
    protection: 'fillComparesGeneration',
    async take(world) {
      await readThenAppend(world)
      world.cache.flush()
      await take(world, 'A', 'fill')
    },
  },
  {
    protection: 'hitComparesGeneration',
    async take(world) {
      await warm(world)
      await appendWhole(world, 'B', 'two')
      world.cache.expire(world.conversationId, 'register')
      await world.cache.open(world.conversationId, 'anew')
    },
  },
  {
    protection: 'openBeforeRead',
    async take(world) {
      world.cache.flush()
      await readThenAppend(world)
      world.cache.flush()
      await take(world, 'A', 'open', 'fill')
    },
  },
  {
    protection: 'dropAfterWrite',
    async take(world) {
      await warm(world)
      await world.delete('B')
      await take(world, 'B', 'markDeleted', 'drop')
    },
  },
  {
    protection: 'joinOnlyUnsent',
    async take(world) {
      await world.read('D')
      await take(world, 'D', 'readEntries', 'open', 'findConversations')
      await world.steps.find('D', 'readTokenRange').reach()
      await appendWhole(world, 'B', 'two')
      await world.read('D')
      await take(world, 'D', 'readEntries')
    },
  },
  {
    protection: 'markReplays',
    async take(world) {
      await appendWhole(world, 'B', 'two')
      await world.read('A')
      await take(world, 'A', ...COLD_READ, 'fill')
      await world.append('C', 'three', 'id-3')
      await take(world, 'C', 'findConversations', 'insertMessages', 'findByIdempotencyKeys', 'readTokenRange')
      await take(world, 'C', 'insertMessages')
      await world.append('D', 'three', 'id-3')
      await take(world, 'D', ...APPEND, 'findByIdempotencyKeys', 'mark')
    },
  },
]

describe('each protection of the cache protocol', () => {
  test.each(traces)('$protection $when: without it the trace shows a stale or torn context', async ({ protection, take }) => {
    expect(await violationsOf([protection], take)).not.toEqual([])
  })

  test.each(traces)('$protection $when: with it the same trace keeps every promise', async ({ take }) => {
    expect(await violationsOf([], take)).toEqual([])
  })
})

async function violationsOf(off: (keyof Protections)[], takeTrace: Trace['take']): Promise<string[]> {
  const world = createWorld(off)
  await world.append('A', 'one')
  await take(world, 'A', ...APPEND, 'raiseHead')
  await takeTrace(world)
  await world.read('D')
  await world.steps.runAll('D')
  expect(world.ledger.answers.length).toBeGreaterThan(0)
  return world.ledger.violations
}

/** Runs the named steps of a node, in order; one that is not there is passed over. */
async function take({ steps }: World, node: string, ...names: string[]): Promise<void> {
  for (const name of names) {
    const step = steps.pending.find((candidate) => candidate.node === node && candidate.name === name)
    await step?.run()
  }
}

async function warm(world: World): Promise<void> {
  await world.read('A')
  await take(world, 'A', ...COLD_READ, 'fill')
}

/** A reads up to the first message; then a second one is appended and acknowledged. */
async function readThenAppend(world: World): Promise<void> {
  await world.read('A')
  await take(world, 'A', ...COLD_READ)
  await appendWhole(world, 'B', 'two')
}

async function appendWhole(world: World, node: string, text: string): Promise<void> {
  await world.append(node, text)
  await take(world, node, ...APPEND, 'readTokenRange', 'mark', 'insertMessages')
}

/** The first message gets another version. */
async function editWhole(world: World, node: string): Promise<void> {
  await world.edit(node, firstOf(world), 'edited')
  await take(world, node, 'findConversations', 'findMessages', 'mark', 'insertMessages', 'switchBranch', 'mark')
}

async function selectWhole(world: World, node: string, messageId: string): Promise<void> {
  await world.select(node, messageId)
  await take(world, node, 'findConversations', 'findMessages', 'mark', 'switchBranch', 'mark')
}

function firstOf(world: World): string {
  return world.messages()[0]?.id ?? ''
}
