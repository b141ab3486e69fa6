import type { Protections, World } from './world.ts'

/*
 * The table of protocol A7: for each protection the shortest trace that breaks without it. The same
 * steps are taken twice; what a step finds nothing to do for is passed over.
 */
export interface Trace {
  protection: keyof Protections
  /** Where several traces break without it. */
  when?: string
  /** Takes the world to just before the last read. */
  take(world: World): Promise<void>
}

/** The steps of an append, to its acknowledgement. */
export const APPEND = ['findConversations', 'mark', 'insertMessages']
const COLD_READ = ['readEntries', 'open', 'findConversations', 'readTokenRange']

/** Each takes a world that holds one message. */
export const traces: Trace[] = [
  {
    protection: 'markBeforeInsert',
    async take(world) {
      await readThenAppend(world)
      await takeSteps(world, 'A', 'fill')
    },
  },
  {
    protection: 'fillNeverLowersMark',
    async take(world) {
      await readThenAppend(world)
      await takeSteps(world, 'A', 'fill')
    },
  },
  {
    protection: 'confirmRefusesHole',
    async take(world) {
      await warm(world)
      await appendWhole(world, 'B', 'two')
      await appendWhole(world, 'C', 'three')
      await takeSteps(world, 'C', 'confirm')
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
      await takeSteps(world, 'A', ...COLD_READ)
      await editWhole(world, 'B')
      await takeSteps(world, 'A', 'fill')
    },
  },
  {
    protection: 'hitComparesEpoch',
    when: 'an edit comes after a fill from after its mark',
    async take(world) {
      await world.edit('B', firstOf(world), ['edited'])
      await takeSteps(world, 'B', 'findConversations', 'findMessages', 'mark', 'insertMessages')
      await warm(world)
      await takeSteps(world, 'B', 'switchBranch')
    },
  },
  {
    protection: 'hitComparesEpoch',
    when: 'a fill from before a selection comes after it',
    async take(world) {
      await editWhole(world, 'B')
      await world.read('A')
      await takeSteps(world, 'A', ...COLD_READ)
      await selectWhole(world, 'B', firstOf(world))
      await takeSteps(world, 'A', 'fill')
    },
  },
  {
    protection: 'marksPerBranch',
    async take(world) {
      await warm(world)
      await world.append('B', 'two')
      await takeSteps(world, 'B', 'findConversations')
      await editWhole(world, 'C')
      await selectWhole(world, 'C', firstOf(world))
      await world.read('A')
      await takeSteps(world, 'A', ...COLD_READ, 'fill')
      await takeSteps(world, 'B', 'mark', 'insertMessages')
    },
  },
  {
    protection: 'fillComparesGeneration',
    async take(world) {
      await readThenAppend(world)
      world.cache.flush()
      await takeSteps(world, 'A', 'fill')
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
      await takeSteps(world, 'A', 'open', 'fill')
    },
  },
  {
    protection: 'dropAfterWrite',
    async take(world) {
      await warm(world)
      await world.delete('B')
      await takeSteps(world, 'B', 'markDeleted', 'drop')
    },
  },
  {
    protection: 'joinOnlyUnsent',
    async take(world) {
      await world.read('D')
      await takeSteps(world, 'D', 'readEntries', 'open', 'findConversations')
      await world.steps.find('D', 'readTokenRange').reach()
      await appendWhole(world, 'B', 'two')
      await world.read('D')
      await takeSteps(world, 'D', 'readEntries')
    },
  },
  {
    protection: 'markReplays',
    async take(world) {
      await appendWhole(world, 'B', 'two')
      await world.read('A')
      await takeSteps(world, 'A', ...COLD_READ, 'fill')
      await world.append('C', 'three', 'id-3')
      await takeSteps(world, 'C', 'findConversations', 'insertMessages', 'findByIdempotencyKeys', 'readTokenRange')
      await takeSteps(world, 'C', 'insertMessages')
      await world.append('D', 'three', 'id-3')
      await takeSteps(world, 'D', ...APPEND, 'findByIdempotencyKeys', 'mark')
    },
  },
]

/** Runs the named steps of a node, in order; one that is not there is passed over. */
export async function takeSteps({ steps }: World, node: string, ...names: string[]): Promise<void> {
  for (const name of names) {
    const step = steps.pending.find((candidate) => candidate.node === node && candidate.name === name)
    await step?.run()
  }
}

async function warm(world: World): Promise<void> {
  await world.read('A')
  await takeSteps(world, 'A', ...COLD_READ, 'fill')
}

/** A reads up to the first message; then a second one is appended and acknowledged. */
async function readThenAppend(world: World): Promise<void> {
  await world.read('A')
  await takeSteps(world, 'A', ...COLD_READ)
  await appendWhole(world, 'B', 'two')
}

async function appendWhole(world: World, node: string, text: string): Promise<void> {
  await world.append(node, text)
  await takeSteps(world, node, ...APPEND, 'readTokenRange', 'mark', 'insertMessages')
}

/** The first message gets another version. */
async function editWhole(world: World, node: string): Promise<void> {
  await world.edit(node, firstOf(world), ['edited'])
  await takeSteps(world, node, 'findConversations', 'findMessages', 'mark', 'insertMessages', 'switchBranch', 'mark')
}

async function selectWhole(world: World, node: string, messageId: string): Promise<void> {
  await world.select(node, messageId)
  await takeSteps(world, node, 'findConversations', 'findMessages', 'mark', 'switchBranch', 'mark')
}

function firstOf(world: World): string {
  return world.messages()[0]?.id ?? ''
}
