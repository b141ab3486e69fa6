import { NotFoundError } from '../../../src/errors.ts'
import { type AppendTarget, createAppender } from '../../../src/memory/append/appender.ts'
import { createKnownHeads } from '../../../src/memory/append/known-heads.ts'
import type { Consistency } from '../../../src/memory/context.ts'
import { createEraser } from '../../../src/memory/erase/eraser.ts'
import { createRedactor } from '../../../src/memory/erase/redactor.ts'
import type { History } from '../../../src/memory/history/history.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import type { Message, MessageDraft } from '../../../src/memory/message.ts'
import { createContextReader } from '../../../src/memory/read/context-reader.ts'
import { createPathReader } from '../../../src/memory/read/path-reader.ts'
import { createPromptReader, type PromptStart } from '../../../src/memory/read/prompt-reader.ts'
import { selectVersion } from '../../../src/memory/versions/version-selector.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { createModelCache, type ModelCache, type ScriptProtections } from './model-cache.ts'
import { createModelHistory } from './model-history.ts'
import {
  createPlainGuard,
  createPlainWriter,
  createReadsWith,
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
  /** What stands on paths now, in the order of the branches. */
  messages(): readonly Message[]
  /** Time goes by, for nodes and marks alike. */
  pass(milliseconds: number): void
  /** Each starts an operation and resolves when that was sent on its way, not when it is done. */
  append(node: string, text: string, clientMessageId?: string): Promise<void>
  /** An append of one message or more in the place of one; further ones have ids of their own if the first has one. */
  edit(node: string, replaces: string, texts: readonly string[], clientMessageId?: string): Promise<void>
  /** A question of a reply: at exactly the place behind the path that was read for it, or read again (protocol B2). */
  send(node: string, text: string, replaces?: string, clientMessageId?: string): Promise<void>
  select(node: string, messageId: string): Promise<void>
  read(node: string, consistency?: Consistency, maxTokens?: number): Promise<void>
  redact(node: string, messageId: string): Promise<void>
  delete(node: string): Promise<void>
}

const OWNER = 'owner'
/** About two rows, so that tails are cut and reads reach further back than they do. */
const LIMITS = { tailTokens: 14, ttlSeconds: 3_600 }
const WHOLE_PATH = { maxTokens: 1_000, startOn: 'ANY', anchor: 0 } as const

const CACHE_STEPS = ['readEntries', 'openEntry', 'open', 'mark', 'confirm', 'fill', 'drop'] as const
const HISTORY_STEPS = [
  'findConversations',
  'findMessages',
  'insertMessages',
  'readTokenRange',
  'findByIdempotencyKeys',
  'markDeleted',
  'raiseHead',
  'removeMessages',
  'switchBranch',
  'markDropDue',
  'redactMessage',
] as const

/** A world in which the named protections are off. */
export function createWorld(off: readonly (keyof Protections)[] = []): World {
  const on = (protection: keyof Protections) => !off.includes(protection)
  const conversationId = createConversationId()
  const steps = createSteps()
  let time = 0
  const now = () => time
  const cache = createModelCache(on, now)
  const history = createModelHistory(conversationId, OWNER)
  const tailLifeMs = LIMITS.ttlSeconds * 1_000
  const ledger = createLedger(history, { now, tailLifeMs, wholeTokens: WHOLE_PATH.maxTokens })
  const nodes = new Map<string, ReturnType<typeof createNode>>()

  function createNode(name: string) {
    const held = steps.hold(name, ledger.history, HISTORY_STEPS)
    const guard = createPlainGuard(steps.hold(name, cache, CACHE_STEPS), history, on)
    const parts = {
      guard,
      // Only the methods that these parts call are there.
      history: (on('dropDueRefuses') ? held : withoutDropDue(held)) as typeof held & History,
      records: {
        findIds: async () => [],
        remove: async () => 0,
        findByClientMessageId: async () => undefined,
        redact: async () => {},
      },
      eraseReplyText: async () => true,
      events: { erase: async () => true },
      writer: createPlainWriter(guard, held, on),
      counter: plainCounter,
      now,
      onFill() {},
      heads: createKnownHeads(now),
      publish() {},
    }
    const paths = createPathReader(parts, LIMITS)
    const contexts = createContextReader(parts, paths, undefined, createReadsWith(on))
    const { readPrompt } = createPromptReader({ ...parts, paths, contexts })
    return {
      parts,
      contexts,
      readPrompt,
      appender: createAppender({ ...parts, tailTokens: LIMITS.tailTokens }),
      eraser: createEraser(parts),
      redactor: createRedactor(parts),
    }
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

  async function append(node: string, drafts: readonly MessageDraft[], target: AppendTarget): Promise<void> {
    const done = ledger.begin()
    const { conversation, messages } = await nodeOf(node).appender.append(OWNER, conversationId, drafts, target)
    done.appended(conversation, messages)
  }

  async function send(node: string, draft: MessageDraft, start: PromptStart): Promise<void> {
    const { readPrompt, appender } = nodeOf(node)
    for (;;) {
      const done = ledger.begin()
      const read = await readPrompt(OWNER, conversationId, WHOLE_PATH.maxTokens, start)
      const turn = { ...read, head: read.path.head }
      const [tokens = 0] = await plainCounter.countMessages('o200k_base', [draft])
      const placed = await appender.appendBehind(turn, draft, tokens)
      done.sent(turn, placed)
      if (placed.type !== 'TAKEN') return
    }
  }

  return {
    steps,
    cache,
    conversationId,
    ledger,
    messages: () => history.branches().flatMap((branch) => history.log(branch)),
    pass(milliseconds) {
      time += milliseconds
    },
    append: (node, text, clientMessageId) => start(() => append(node, [draftOf(text, clientMessageId)], {})),
    edit: (node, replaces, texts, clientMessageId) =>
      start(() => {
        const idOf = (nth: number) => (nth === 0 ? clientMessageId : clientMessageId && `${clientMessageId}.${nth}`)
        const drafts = texts.map((text, nth) => draftOf(text, idOf(nth)))
        return append(node, drafts, { replaces })
      }),
    send: (node, text, replaces, clientMessageId) =>
      start(() => send(node, draftOf(text, clientMessageId), replaces === undefined ? {} : { replaces })),
    select: (node, messageId) =>
      start(async () => {
        const done = ledger.begin()
        done.selected((await selectVersion(nodeOf(node).parts, OWNER, messageId)).conversation)
      }),
    read: (node, consistency = 'EVENTUAL', maxTokens = WHOLE_PATH.maxTokens) =>
      start(async () => {
        const done = ledger.begin()
        const request = { ...WHOLE_PATH, maxTokens, ownerId: OWNER, conversationId, consistency }
        const [answer] = await nodeOf(node).contexts.readContexts([request])
        done.read(consistency, answer)
      }),
    redact: (node, messageId) =>
      start(async () => {
        const done = ledger.begin()
        done.redacted(await nodeOf(node).redactor.redactMessage(OWNER, messageId))
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

/** A history whose conversations do not say that a drop of their tail is due. */
function withoutDropDue<H extends Pick<History, 'findConversations'>>(history: H): H {
  const findConversations: H['findConversations'] = async (...args) => {
    const found = await history.findConversations(...args)
    return found.map((conversation) => {
      if (conversation === undefined) return undefined
      const { dropDue: _, ...rest } = conversation
      return rest
    })
  }
  return { ...history, findConversations }
}

function draftOf(text: string, clientMessageId?: string): MessageDraft {
  const draft: MessageDraft = { role: 'USER', status: 'COMPLETE', createdAt: 0, parts: [{ type: 'text', text }] }
  return clientMessageId === undefined ? draft : { ...draft, clientMessageId }
}
