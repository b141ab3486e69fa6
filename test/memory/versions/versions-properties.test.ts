import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, inject, onTestFinished, test } from 'vitest'
import type { ContextRequest } from '../../../src/memory/context.ts'
import type { Conversation } from '../../../src/memory/conversation.ts'
import { placeOf } from '../../../src/memory/ids.ts'
import type { Memory } from '../../../src/memory/memory.ts'
import type { Head, Message } from '../../../src/memory/message.ts'
import { cutWindow } from '../../../src/memory/read/window.ts'
import { versionsAt } from '../../../src/memory/versions/branches.ts'
import { type MemoryNode, type MemoryNodeOptions, newMongodb, startMemoryNode } from '../../support/memory-node.ts'
import { createNaiveTree } from '../../support/naive-tree.ts'
import { contextRequest, OWNER, startConversation } from '../../support/stored-conversation.ts'
import { nodeOf, type Play, takeStep, versionStep } from './version-steps.ts'

/** A few messages, so that tails begin on every side of forks, and budgets reach further back. */
const LIMITS = { tailTokens: 60 }
const BUDGETS = [4, 17, 33, 60, 100, 180, 100_000]
/** After so many steps everything is looked at, and after each something. */
const STEPS_TO_CHECK = 4

/** Long enough to find the shortest sequence that fails. */
const TIMEOUT_MS = 300_000

const look = fc.record({
  maxTokens: fc.integer({ min: 1, max: 200 }),
  startOn: fc.constantFrom('ANY' as const, 'USER' as const),
  anchor: fc.constantFrom(0, 0.25, 0.5),
  consistency: fc.constantFrom('EVENTUAL' as const, 'EVENTUAL' as const, 'STRONG' as const),
  afterSequence: fc.nat(12),
  beforeSequence: fc.oneof(fc.integer({ min: 1, max: 14 }), fc.constant(Number.MAX_SAFE_INTEGER)),
  limit: fc.integer({ min: 1, max: 12 }),
  from: fc.constantFrom('OLDEST' as const, 'NEWEST' as const),
})
type Look = typeof look extends fc.Arbitrary<infer L> ? L : never
type ContextLook = Pick<ContextRequest, 'maxTokens' | 'startOn' | 'anchor' | 'consistency'>
type HistoryPlace = NonNullable<MemoryNodeOptions['history']>

const STORES = [
  { name: 'SQLite and the cache in process', runs: 100, start: () => startNodes(startSqlite, false) },
  { name: 'SQLite and Redis', runs: 60, start: () => startNodes(startSqlite, true) },
  { name: 'MongoDB and the cache in process', runs: 20, start: () => startNodes(async () => newMongodb(), false) },
  { name: 'MongoDB and Redis', runs: 20, start: () => startNodes(async () => newMongodb(), true) },
]

const promise = 'any sequence of edits and selections shows what a naive tree has, on $name'

test.each(STORES)(promise, { timeout: TIMEOUT_MS }, async ({ runs, start }) => {
  const nodes = await start()
  const [first] = nodes
  const steps = fc.array(fc.tuple(versionStep, look), { minLength: 4, maxLength: 24, size: 'max' })
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const play = { nodes, conversationId: await startConversation(first), tree: createNaiveTree() }
      for (const [index, [step, looked]] of sequence.entries()) {
        await takeStep(play, step, index)
        await checkContexts(play, nodeOf(play, index), [looked])
        await checkPage(play, nodeOf(play, index + 1), looked)
        if (index % STEPS_TO_CHECK === STEPS_TO_CHECK - 1) await checkAll(play)
      }
      await checkAll(play)
    }),
    { numRuns: runs },
  )
})

/** Two nodes where they share a cache. */
async function startNodes(
  openHistory: () => Promise<HistoryPlace>,
  hasRedis: boolean,
): Promise<[MemoryNode, ...MemoryNode[]]> {
  const history = await openHistory()
  if (!hasRedis) return [await startMemoryNode({ history }, LIMITS)]
  const start = () => startMemoryNode({ history, redisUrl: inject('redisUrl') }, LIMITS)
  return [await start(), await start()]
}

async function startSqlite(): Promise<HistoryPlace> {
  const directory = await mkdtemp(join(tmpdir(), 'backscroll-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  return { sqlitePath: join(directory, 'history.sqlite') }
}

async function checkAll(play: Play): Promise<void> {
  const looks = BUDGETS.flatMap((maxTokens) =>
    (['EVENTUAL', 'STRONG'] as const).flatMap((consistency) =>
      (['ANY', 'USER'] as const).flatMap((startOn) =>
        [0, 0.25, 0.5].map((anchor) => ({ maxTokens, consistency, startOn, anchor })),
      ),
    ),
  )
  for (const node of play.nodes) {
    await checkContexts(play, node, looks)
    await checkTree(play, node)
  }
}

async function checkContexts({ conversationId, tree }: Play, { memory }: MemoryNode, looks: readonly ContextLook[]) {
  const requests = looks.map(({ maxTokens, startOn, anchor, consistency }) => {
    return { ...contextRequest(conversationId, maxTokens), startOn, anchor, consistency }
  })
  const contexts = await memory.readContexts(requests)
  for (const [index, request] of requests.entries()) {
    const { entries: messages, ...report } = cutWindow(tree.path, headOf(tree.path), request)
    expect(contexts[index]).toMatchObject({ conversationId, ...report })
    expect(Object(contexts[index])).toHaveProperty('messages', messages)
  }
}

async function checkPage({ conversationId, tree }: Play, { memory }: MemoryNode, range: Look): Promise<void> {
  const { afterSequence, beforeSequence, limit, from } = range
  const between = tree.path.filter(({ sequence }) => sequence > afterSequence && sequence < beforeSequence)
  const page = await memory.readMessages(await findConversation(memory, conversationId), range)
  expect(page.messages).toEqual(from === 'OLDEST' ? between.slice(0, limit) : between.slice(-limit))
}

/** Counts, versions, and each message by its id. */
async function checkTree({ conversationId, tree }: Play, { memory }: MemoryNode): Promise<void> {
  const conversation = await findConversation(memory, conversationId)
  expect(await memory.readHead(conversation)).toEqual(headOf(tree.path))
  const ids = tree.messages.map(({ id }) => id)
  expect(await memory.findMessages(OWNER, ids)).toEqual(tree.messages)
  for (const id of ids) {
    const place = placeOf(id)
    expect(place && versionsAt(conversation, place)).toEqual(tree.versions(id))
  }
}

async function findConversation(memory: Memory, conversationId: string): Promise<Conversation> {
  const [conversation] = await memory.findConversations(OWNER, [conversationId])
  if (conversation === undefined) throw new Error('The conversation is not there')
  return conversation
}

function headOf(path: readonly Message[]): Head {
  const last = path.at(-1)
  return { sequence: path.length, tokens: last ? last.tokenStart + last.tokens : 0 }
}
