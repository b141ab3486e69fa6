import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { HistoryUnavailableError } from '../../src/errors.ts'
import type { History } from '../../src/memory/history/history.ts'
import type { ReplyRecord, ReplyRecords } from '../../src/memory/history/reply-record.ts'
import { contentOf } from '../../src/memory/message.ts'
import { collect, createReplyNode, OWNER, questionOf, type ReplyNode } from '../support/reply-node.ts'
import { openSqliteWorld, type ReplyWorld } from '../support/reply-world.ts'
import { createScriptedModel, type ScriptedModel } from '../support/scripted-model.ts'

/*
 * The protections of the reply protocol that show at the stores, each with a trace that breaks without it. Off means
 * that the stores do as if the code had not asked for it.
 */

const never = new AbortController().signal
/** By it every lease is over. */
const LATE_MS = 3_600_000

interface Changed {
  records?: Partial<ReplyRecords>
  history?: Partial<History>
  now?: () => number
}

/** Resolves to what went wrong. */
type Trace = (isOff: boolean) => Promise<string | undefined>

let world: ReplyWorld
let model: ScriptedModel
let nodes: ReplyNode[]
let id: string

beforeEach(async () => {
  world = await openSqliteWorld()
  model = createScriptedModel()
  nodes = []
  id = (await startNode().memory.createConversation(OWNER, {}, 'FAIL')).conversation.id
})
afterEach(async () => {
  await Promise.all(nodes.map((node) => node.stop()))
  await world.close()
})

const traces: Record<string, Trace> = {
  async 'phase in the filter'(isOff) {
    const held = Promise.withResolvers<void>()
    const sealing = Promise.withResolvers<void>()
    const change: ReplyRecords['change'] = async (replyId, from, changes) => {
      if (changes.phase !== 'SEALED') return world.records.change(replyId, from, changes)
      sealing.resolve()
      await held.promise
      const { phase = from.phase } = (await world.records.find(OWNER, replyId)) ?? {}
      return world.records.change(replyId, isOff ? { phase } : from, changes)
    }
    const events = send(startNode({ records: { change } }), 'one')
    ;(await model.nextCall()).answer('whole')
    await sealing.promise
    const replyId = (await active())?.id ?? ''
    const taken = await startNode(late()).replies.find(OWNER, replyId)
    held.resolve()
    await events
    const { outcome } = (await world.records.find(OWNER, replyId)) ?? {}
    return outcome?.type === taken?.outcome?.type
      ? undefined
      : `ended as ${taken?.outcome?.type}, then ${outcome?.type}`
  },

  async 'beat in the takeover'(isOff) {
    const events = send(startNode(), 'one')
    const call = await model.nextCall()
    call.text('a')
    await saved('a')
    const change: ReplyRecords['change'] = async (replyId, from, changes) => {
      call.text('b')
      await saved('ab')
      return world.records.change(replyId, isOff ? { phase: from.phase } : from, changes)
    }
    await startNode({ records: { change }, ...late() }).replies.find(OWNER, (await active())?.id ?? '')
    call.answer('')
    const end = (await events).at(-1)
    return end?.type === 'ReplyCompleted' ? undefined : `a living reply ended by ${end?.type}`
  },

  async 'beat in the renewal'(isOff) {
    const lost: (() => Promise<boolean>)[] = []
    const renew: ReplyRecords['renew'] = async (renewals) => {
      const [first] = renewals
      const land = isOff ? renewals.map(({ beat: _, ...renewal }) => renewal) : renewals
      if (lost.length > 0 || first?.changes.text !== 'old') return world.records.renew(land)
      lost.push(() => world.records.renew(land))
      throw away()
    }
    const change: ReplyRecords['change'] = async (replyId, { phase, beat }, changes) => {
      if (changes.bumpBeat === undefined) return world.records.change(replyId, { phase, ...beatOf(beat) }, changes)
      return renew([{ id: replyId, ...beatOf(beat), changes }])
    }
    const events = send(startNode({ records: { renew, change } }), 'one')
    const call = await model.nextCall()
    call.text('old')
    await expect.poll(() => lost.length).toBe(1)
    call.text(' and new')
    await saved('old and new')
    await lost[0]?.()
    const text = (await active())?.text
    call.answer('')
    await events
    return text === 'old and new' ? undefined : `saved text fell back to ${text}`
  },

  async 'the r: key'(isOff) {
    const held = Promise.withResolvers<void>()
    const ending = Promise.withResolvers<void>()
    const change: ReplyRecords['change'] = async (replyId, from, changes) => {
      if (changes.phase !== 'ENDED') return world.records.change(replyId, from, changes)
      ending.resolve()
      await held.promise
      return world.records.change(replyId, from, changes)
    }
    const insertMessages: History['insertMessages'] = (messages, options) =>
      world.history.insertMessages(isOff ? messages.map(({ replyId: _, ...message }) => message) : messages, options)
    const events = send(startNode({ records: { change }, history: { insertMessages } }), 'one')
    ;(await model.nextCall()).answer('whole')
    await ending.promise
    await startNode({ history: { insertMessages } }).replies.find(OWNER, (await active())?.id ?? '')
    held.resolve()
    await events
    return expectTexts(['one', 'whole'])
  },

  async 'the question that a finisher stores'(isOff) {
    const dead = startNode({
      records: { change: () => new Promise(() => {}), renew: () => new Promise(() => {}) },
      history: { insertMessages: () => new Promise(() => {}) },
    })
    void dead.replies.send(OWNER, questionOf(id, 'one'), never)
    await model.nextCall()
    const find: ReplyRecords['find'] = async (...args) => {
      const { question: _, ...found } = (await world.records.find(...args)) ?? ({} as ReplyRecord)
      return found
    }
    const replyId = (await active())?.id ?? ''
    await startNode({ records: isOff ? { find } : {}, ...late() }).replies.find(OWNER, replyId)
    return expectTexts(['one'])
  },

  async 'the emit gate'(isOff) {
    const insertMessages: History['insertMessages'] = (messages) =>
      isOff ? Promise.resolve({ inserted: messages.length, duplicate: false }) : new Promise(() => {})
    const node = startNode({ history: { insertMessages } })
    const stream = await node.replies.send(OWNER, questionOf(id, 'one'), never)
    let isEmitted = false
    void stream[Symbol.asyncIterator]()
      .next()
      .then(() => {
        isEmitted = true
      })
    ;(await model.nextCall()).text('a token')
    for (let tick = 0; tick < 100; tick += 1) await new Promise(setImmediate)
    return isEmitted && (await texts()).length === 0 ? 'a token of a question that is not stored' : undefined
  },

  async 'clientMessageId kept after the end'(isOff) {
    const node = startNode()
    const events = send(node, 'one')
    ;(await model.nextCall()).answer('1')
    const replyId = (await events)[0]?.replyId ?? ''
    if (isOff) await world.records.remove(id, [replyId])
    const again = send(node, 'one')
    if (isOff) {
      // The first of them is for a question that is stored elsewhere.
      await model.nextCall()
      ;(await model.nextCall()).answer('2')
    }
    await again
    return expectTexts(['one', '1'])
  },

  async 'an own RUN is run'(isOff) {
    let lost = 1
    const change: ReplyRecords['change'] = async (...args) => {
      const isChanged = await world.records.change(...args)
      if (args[1].phase === 'QUEUED' && args[2].phase === 'RUN' && lost-- > 0) throw away()
      return isChanged
    }
    const find: ReplyRecords['find'] = async (...args) => {
      const found = await world.records.find(...args)
      return isOff && lost <= 0 && found?.phase === 'RUN' ? undefined : found
    }
    const node = startNode({ records: { change, find } })
    const first = send(node, 'one')
    const running = await model.nextCall()
    const second = node.replies.send(OWNER, questionOf(id, 'two', { onBusy: 'QUEUE' }), never).then(collect)
    await expect.poll(async () => (await world.records.findQueued(OWNER, id, 1)).length).toBe(1)
    running.answer('1')
    await first
    if (!isOff) (await model.nextCall()).answer('2')
    const end = (await second).at(-1)
    return end?.type === 'ReplyCompleted' ? undefined : `told ${end?.type}, and the question is left to a takeover`
  },
}

describe.each(Object.entries(traces))('%s', (_, take) => {
  test('without it the trace breaks a promise', async () => {
    expect(await take(true)).toBeDefined()
  })

  test('with it the same trace keeps every promise', async () => {
    expect(await take(false)).toBeUndefined()
  })
})

function startNode({ records, history, now }: Changed = {}): ReplyNode {
  const changed = {
    ...world,
    records: { ...world.records, ...records },
    history: { ...world.history, ...history },
    ...(now && { now }),
  }
  const node = createReplyNode(changed, model)
  nodes.push(node)
  return node
}

function late(): { now: () => number } {
  return { now: () => Date.now() + LATE_MS }
}

function send(node: ReplyNode, text: string) {
  return node.replies.send(OWNER, questionOf(id, text), never).then(collect)
}

function active(): Promise<ReplyRecord | undefined> {
  return world.records.findActive(OWNER, id)
}

async function saved(text: string): Promise<void> {
  await expect.poll(async () => (await active())?.text).toBe(text)
}

async function texts(): Promise<string[]> {
  const range = { conversationId: id, branch: '0', fromTokens: 0, limit: 100 }
  return (await world.history.readTokenRange(range)).map(({ parts }) => contentOf(parts)).reverse()
}

async function expectTexts(expected: string[]): Promise<string | undefined> {
  const stored = await texts()
  return JSON.stringify(stored) === JSON.stringify(expected) ? undefined : `stored: ${stored.join(', ')}`
}

function beatOf(beat: number | undefined): { beat?: number } {
  return beat === undefined ? {} : { beat }
}

function away(): HistoryUnavailableError {
  return new HistoryUnavailableError(new Error('away'))
}
