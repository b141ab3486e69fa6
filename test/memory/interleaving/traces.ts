import type { Protections, World } from './world.ts'

/*
 * The table of protocol A7: for each protection the shortest trace that breaks without it. The same
 * steps are taken twice; what a step finds nothing to do for is passed over.
 */
export interface Trace {
  protection: keyof Protections
  /** Where several traces break without it. */
  when?: string
  /** Protections that are off in both runs: with them this one alone is never seen to break. */
  others?: (keyof Protections)[]
  /** Takes the world to just before the last read. */
  take(world: World): Promise<void>
}

/** The steps of an append, to its acknowledgement; with a look for the message of a hint that another node wrote. */
export const APPEND = ['findConversations', 'findMessages', 'mark', 'insertMessages']
const COLD_READ = ['readEntries', 'open', 'findConversations', 'readTokenRange']
/** With the second look, where there is one. */
const FILL = ['findConversations', 'fill']
const REDACT = ['markDropDue', 'findMessages', 'redactMessage']
/** More than the life of a tail. */
const LIFE_MS = 3_600_000

/** Each takes a world that holds one message. */
export const traces: Trace[] = [
  {
    protection: 'markBeforeInsert',
    async take(world) {
      await readThenAppend(world)
      await takeSteps(world, 'A', ...FILL)
    },
  },
  {
    protection: 'fillNeverLowersMark',
    async take(world) {
      await readThenAppend(world)
      await takeSteps(world, 'A', ...FILL)
    },
  },
  {
    protection: 'confirmRefusesHole',
    async take(world) {
      await appendWhole(world, 'B', 'two')
      await readShort(world)
      await appendWhole(world, 'B', 'three')
      await appendWhole(world, 'C', 'four')
      await takeSteps(world, 'C', 'confirm')
      await world.read('D', 'EVENTUAL', 15)
      await world.steps.runAll('D')
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
      await takeSteps(world, 'A', ...FILL)
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
      await takeSteps(world, 'A', ...FILL)
    },
  },
  {
    protection: 'marksPerBranch',
    async take(world) {
      await warm(world)
      await world.append('B', 'two')
      await takeSteps(world, 'B', 'findConversations', 'findMessages')
      await editWhole(world, 'C')
      await selectWhole(world, 'C', firstOf(world))
      await world.read('A')
      await takeSteps(world, 'A', ...COLD_READ, ...FILL)
      await takeSteps(world, 'B', 'mark', 'insertMessages')
    },
  },
  {
    protection: 'fillComparesGeneration',
    async take(world) {
      await readThenAppend(world)
      world.cache.flush()
      await takeSteps(world, 'A', ...FILL)
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
      await takeSteps(world, 'A', 'findConversations', 'open', 'fill')
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
      await takeSteps(world, 'A', ...COLD_READ, ...FILL)
      await world.append('C', 'three', 'id-3')
      const retry = ['findByIdempotencyKeys', 'readTokenRange', 'insertMessages']
      await takeSteps(world, 'C', 'findConversations', 'findMessages', 'insertMessages', ...retry)
      await world.append('D', 'three', 'id-3')
      await takeSteps(world, 'D', ...APPEND, 'findByIdempotencyKeys', 'mark')
    },
  },
  {
    protection: 'dropKeepsMarks',
    async take(world) {
      await world.append('B', 'two')
      await takeSteps(world, 'B', 'findConversations', 'findMessages', 'mark')
      await redactWhole(world, 'C', firstOf(world))
      await world.read('A')
      await takeSteps(world, 'A', ...COLD_READ)
      await takeSteps(world, 'B', 'insertMessages')
      await takeSteps(world, 'A', ...FILL)
    },
  },
  {
    protection: 'secondLook',
    when: 'a deletion comes between the document and the register',
    async take(world) {
      world.cache.flush()
      await world.read('A')
      await takeSteps(world, 'A', 'readEntries', 'findConversations')
      await world.delete('B')
      await takeSteps(world, 'B', 'markDeleted', 'drop')
      await takeSteps(world, 'A', 'open', 'readTokenRange', ...FILL)
    },
  },
  {
    protection: 'secondLook',
    when: 'a switch comes between the document and the register, and its own register expires',
    async take(world) {
      world.cache.flush()
      await world.read('A')
      await takeSteps(world, 'A', 'readEntries', 'findConversations')
      await editWhole(world, 'B')
      world.cache.expire(world.conversationId, 'register')
      await takeSteps(world, 'A', 'open', 'readTokenRange', ...FILL)
    },
  },
  {
    protection: 'entrySentLast',
    when: 'a drop is not known to be due, as after a change of metadata',
    others: ['dropDueRefuses'],
    async take(world) {
      await warm(world)
      await world.read('D', 'STRONG')
      await takeSteps(world, 'D', 'readEntries')
      await world.read('D', 'STRONG')
      const older = world.steps.find('D', 'readEntries')
      await older.reach()
      await redactWhole(world, 'B', firstOf(world))
      await world.read('D')
      await world.steps.pending.findLast(({ node, name }) => node === 'D' && name === 'readEntries')?.run()
      await older.run()
      await world.steps.runAll('D')
    },
  },
  {
    protection: 'baseOfOwnGeneration',
    when: 'nor do fills ask for the life of their base',
    others: ['basedFillComparesLife', 'dropDueRefuses'],
    async take(world) {
      await warm(world)
      await appendWhole(world, 'C', 'two')
      world.cache.expire(world.conversationId, 'register')
      await world.read('A', 'STRONG')
      await takeSteps(world, 'A', 'readEntries')
      await redactWhole(world, 'B', firstOf(world))
      await takeSteps(world, 'A', 'open', 'findConversations', 'readTokenRange', ...FILL)
    },
  },
  {
    protection: 'basedFillComparesLife',
    async take(world) {
      await readShortThenRedact(world)
      await world.read('D')
      await takeSteps(world, 'D', 'readEntries')
      world.pass(LIFE_MS + 1)
      await readShort(world)
      await takeSteps(world, 'D', 'readTokenRange', 'fill')
    },
  },
  {
    protection: 'basedFillKeepsLife',
    async take(world) {
      await readShortThenRedact(world)
      world.pass(LIFE_MS - 60_000)
      await world.read('D')
      await takeSteps(world, 'D', 'readEntries', 'readTokenRange', 'fill')
      world.pass(60_001)
    },
  },
  {
    protection: 'dropDueRefuses',
    when: 'a STRONG read has the tail for its base',
    async take(world) {
      await warm(world)
      await redactUndropped(world, 'B', firstOf(world))
      await world.read('D', 'STRONG')
      await world.steps.runAll('D')
    },
  },
  {
    protection: 'dropDueRefuses',
    when: 'a send hits',
    async take(world) {
      await warm(world)
      await redactUndropped(world, 'B', firstOf(world))
      await world.send('D', 'why')
      await world.steps.runAll('D')
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
  await takeSteps(world, 'A', ...COLD_READ, ...FILL)
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

async function redactWhole(world: World, node: string, messageId: string): Promise<void> {
  await world.redact(node, messageId)
  await takeSteps(world, node, ...REDACT, 'drop')
}

/** The drop is lost, and its node is never heard of again. */
async function redactUndropped(world: World, node: string, messageId: string): Promise<void> {
  await world.redact(node, messageId)
  await takeSteps(world, node, ...REDACT)
  world.ledger.noteLoss('drop')
  await world.steps.find(node, 'drop').lose()
  world.steps.crash(node)
}

/** A tail of the second of two messages, which is redacted; the drop is lost. */
async function readShortThenRedact(world: World): Promise<void> {
  await appendWhole(world, 'B', 'two')
  await readShort(world)
  await redactUndropped(world, 'C', world.messages()[1]?.id ?? '')
}

/** Reads no more than the newest message, which the hint of B's append tells. */
async function readShort(world: World): Promise<void> {
  await takeSteps(world, 'B', 'raiseHead')
  await world.read('A', 'EVENTUAL', 7)
  await takeSteps(world, 'A', ...COLD_READ, ...FILL)
}

async function selectWhole(world: World, node: string, messageId: string): Promise<void> {
  await world.select(node, messageId)
  await takeSteps(world, node, 'findConversations', 'findMessages', 'mark', 'switchBranch', 'mark')
}

function firstOf(world: World): string {
  return world.messages()[0]?.id ?? ''
}
