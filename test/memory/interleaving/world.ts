import { NotFoundError } from '../../../src/errors.ts'
import { createAppender } from '../../../src/memory/appender.ts'
import type { Consistency } from '../../../src/memory/context.ts'
import { createContextReader } from '../../../src/memory/context-reader.ts'
import { createEraser } from '../../../src/memory/eraser.ts'
import type { History } from '../../../src/memory/history/history.ts'
import { createHistoryFlights } from '../../../src/memory/history-flights.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import type { MessageDraft } from '../../../src/memory/message.ts'
import { createPathReader } from '../../../src/memory/path-reader.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { createModelCache, type ModelCache, type ScriptProtections } from './model-cache.ts'
import { createModelHistory } from './model-history.ts'
import {
  createLeakyFlights,
  createPlainGuard,
  createPlainWriter,
  type NodeProtections,
  plainCounter,
} from './plain-node.ts'
import { createSteps, type Steps, settle } from './steps.ts'

export type Protections = ScriptProtections & NodeProtections

/** Nodes on one history and one cache, where each step of each node waits for the test. */
export interface World {
  steps: Steps
  cache: ModelCache
  conversationId: string
  ledger: Ledger
  /** Each starts an operation and resolves when that was sent on its way, not when it is done. */
  append(node: string, text: string, clientMessageId?: string): Promise<void>
  read(node: string, consistency?: Consistency): Promise<void>
  /** Protocol A3 by hand; each branch here is a path of its own, from sequence 1. */
  switchBranch(node: string, branch: string): Promise<void>
  delete(node: string): Promise<void>
}

const OWNER = 'owner'
/** About two rows, so that tails are cut and reads reach further back than they do. */
const LIMITS = { tailTokens: 14, ttlSeconds: 3_600 }
const WHOLE_PATH = { maxTokens: 1_000, startOn: 'ANY', anchor: 0 } as const

const CACHE_STEPS = ['readEntries', 'open', 'mark', 'confirm', 'fill', 'drop'] as const
const HISTORY_STEPS = [
  'findConversations',
  'insertMessages',
  'readTokenRange',
  'findByIdempotencyKeys',
  'markDeleted',
  'raiseHead',
  'removeMessages',
  'switchBranch',
] as const

/** A world in which the named protections are off. */
export function createWorld(off: readonly (keyof Protections)[] = []): World {
  const on = (protection: keyof Protections) => !off.includes(protection)
  const conversationId = createConversationId()
  const steps = createSteps()
  const cache = createModelCache(on)
  const history = createModelHistory(conversationId, OWNER)
  const ledger = createLedger(history)
  const nodes = new Map<string, ReturnType<typeof createNode>>()

  function createNode(name: string) {
    const held = steps.hold(name, ledger.history, HISTORY_STEPS)
    const guard = createPlainGuard(steps.hold(name, cache, CACHE_STEPS), history, on)
    const parts = {
      guard,
      // Only the methods that these parts call are there.
      history: held as typeof held & History,
      records: { remove: async () => 0 },
      writer: createPlainWriter(guard, held),
      counter: plainCounter,
      now: () => 0,
      onFill() {},
      tell() {},
    }
    const flights = on('joinOnlyUnsent') ? createHistoryFlights : createLeakyFlights
    const reader = createContextReader(parts, createPathReader(parts, LIMITS), flights)
    return { guard, held, reader, appender: createAppender(parts), eraser: createEraser(parts) }
  }

  function nodeOf(name: string) {
    const node = nodes.get(name) ?? createNode(name)
    nodes.set(name, node)
    return node
  }

  /** Runs in the background: its promise never settles when its node crashes. */
  async function start(operation: () => Promise<void>): Promise<void> {
    operation().catch((error: unknown) => ledger.failed(error))
    await settle()
  }

  async function switchOnce(node: string, branch: string): Promise<boolean> {
    const { guard, held } = nodeOf(node)
    const done = ledger.begin()
    const [conversation] = await held.findConversations(OWNER, [conversationId])
    if (conversation === undefined) return true
    const mark = { epoch: conversation.branchEpoch + 1, branch, sequence: 0 }
    const marked = guard.mark(conversationId, mark)
    const isSwitched = await held.switchBranch(conversation.branchEpoch, branch)
    await marked
    if (!isSwitched) return false
    done.switched(conversation.branchEpoch + 1)
    await guard.mark(conversationId, mark)
    return true
  }

  return {
    steps,
    cache,
    conversationId,
    ledger,
    append: (node, text, clientMessageId) =>
      start(async () => {
        const done = ledger.begin()
        const draft: MessageDraft = { role: 'USER', status: 'COMPLETE', createdAt: 0, parts: [{ type: 'text', text }] }
        const drafts = [clientMessageId === undefined ? draft : { ...draft, clientMessageId }]
        done.appended((await nodeOf(node).appender.append(OWNER, conversationId, drafts)).messages)
      }),
    read: (node, consistency = 'EVENTUAL') =>
      start(async () => {
        const done = ledger.begin()
        const request = { ...WHOLE_PATH, ownerId: OWNER, conversationId, consistency }
        const [answer] = await nodeOf(node).reader.readContexts([request])
        done.read(consistency, answer)
      }),
    switchBranch: (node, branch) =>
      start(async () => {
        while (!(await switchOnce(node, branch)));
      }),
    delete: (node) =>
      start(async () => {
        const done = ledger.begin()
        try {
          await nodeOf(node).eraser.deleteConversation(OWNER, conversationId)
        } catch (error) {
          if (!(error instanceof NotFoundError)) throw error
          return
        }
        done.deleted()
      }),
  }
}
