import { expect } from 'vitest'
import type { BusyPolicy } from '../../../src/chat/begin/begin-reply.ts'
import type { ReplyEvent } from '../../../src/chat/follow/reply-event.ts'
import type { History } from '../../../src/memory/history/history.ts'
import type { ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { contentOf } from '../../../src/memory/message.ts'
import { collect, never, OWNER, questionOf, type ReplyNode } from '../../support/reply-node.ts'
import { away, type NodeChanges, type ReplyStage } from '../../support/reply-stage.ts'
import type { Protection } from './protections.ts'

/** A node on these stores as it asks them, with or without the protection. */
export type StartNode = (stores?: NodeChanges, more?: Pick<NodeChanges, 'now'>) => ReplyNode

/** The shortest trace that breaks a promise without one protection. */
export interface Trace {
  /** What is then broken. */
  breaks: string
  /** Takes the steps; resolves to what went wrong, if anything did. */
  take(stage: ReplyStage, startNode: StartNode): Promise<string | undefined>
}

/** By it every lease is over. */
const LATE_MS = 3_600_000
const DEAD = () => new Promise<never>(() => {})
const late = { now: () => Date.now() + LATE_MS }

/** The table of protocol B, in its order. */
export const TRACES: Record<Protection, Trace> = {
  'seal before append': {
    breaks: 'INTERRUPTED with "so far", stored COMPLETE with "so far, and on"',
    async take(stage, startNode) {
      const { held, release, stores } = holdEnd(stage, 1, 'so far'.length)
      const events = send(stage, startNode(stores), 'one')
      const call = await stage.model.nextCall()
      call.text('so far')
      const replyId = await stage.untilSaved('so far')
      call.answer(', and on')
      await held
      const taken = await startNode({}, late).replies.find(OWNER, replyId)
      release()
      await events
      const [, message] = await stage.readPath()
      const stored = message && `${message.status} with "${contentOf(message.parts)}"`
      return stored === 'COMPLETE with "so far, and on"' && taken?.outcome?.type === 'COMPLETED'
        ? undefined
        : `${taken?.outcome?.type} with "${taken?.text}", stored ${stored}`
    },
  },

  'phase in the filter': {
    breaks: 'ended as INTERRUPTED, then as COMPLETED',
    async take(stage, startNode) {
      const { held, release, stores } = holdEnd(stage, 0)
      const events = send(stage, startNode(stores), 'one')
      ;(await stage.model.nextCall()).answer('whole')
      await held
      const replyId = (await stage.readActive())?.id ?? ''
      const taken = await startNode({}, late).replies.find(OWNER, replyId)
      release()
      await events
      const { outcome } = (await stage.world.records.find(OWNER, replyId)) ?? {}
      return outcome?.type === taken?.outcome?.type
        ? undefined
        : `ended as ${taken?.outcome?.type}, then as ${outcome?.type}`
    },
  },

  'beat in the takeover': {
    breaks: 'a living reply ended by ReplyInterrupted',
    async take(stage, startNode) {
      const events = send(stage, startNode(), 'one')
      const call = await stage.model.nextCall()
      call.text('a')
      const replyId = await stage.untilSaved('a')
      const change: ReplyRecords['change'] = async (...args) => {
        call.text('b')
        await stage.untilSaved('ab')
        return stage.world.records.change(...args)
      }
      await startNode({ records: { change } }, late).replies.find(OWNER, replyId)
      call.answer('')
      const end = (await events).at(-1)
      return end?.type === 'ReplyCompleted' ? undefined : `a living reply ended by ${end?.type}`
    },
  },

  'beat in the renewal': {
    breaks: 'the saved text fell back to "old"',
    async take(stage, startNode) {
      const late = Promise.withResolvers<void>()
      const landed = Promise.withResolvers<void>()
      let isLost = false
      const change: ReplyRecords['change'] = async (...args) => {
        if (isLost || args[2].text !== 'old') return stage.world.records.change(...args)
        isLost = true
        // As a driver does that tries a write again.
        late.promise.then(() => stage.world.records.change(...args)).then(() => landed.resolve(), landed.reject)
        throw away()
      }
      const events = send(stage, startNode({ records: { change } }), 'one')
      const call = await stage.model.nextCall()
      call.text('old')
      await expect.poll(() => isLost).toBe(true)
      call.text(' and new')
      await stage.untilSaved('old and new')
      late.resolve()
      await landed.promise
      const text = (await stage.readActive())?.text
      call.answer('')
      await events
      return text === 'old and new' ? undefined : `the saved text fell back to "${text}"`
    },
  },

  'r: key': {
    breaks: 'stored: one, whole, whole',
    async take(stage, startNode) {
      const { held, release, stores } = holdEnd(stage, 2)
      const events = send(stage, startNode(stores), 'one')
      ;(await stage.model.nextCall()).answer('whole')
      await held
      await startNode().replies.find(OWNER, (await stage.readActive())?.id ?? '')
      release()
      await events
      return unlessStored(stage, ['one', 'whole'])
    },
  },

  'append before ENDED': {
    breaks: 'stored: one, two, to two',
    async take(stage, startNode) {
      const died = Promise.withResolvers<void>()
      const insertMessages: History['insertMessages'] = (messages, options) => {
        if (messages.some(({ role }) => role === 'USER')) return stage.world.history.insertMessages(messages, options)
        died.resolve()
        return DEAD()
      }
      void send(stage, startNode({ history: { insertMessages } }), 'one')
      void answerEach(stage)
      await died.promise
      // The conversation is free for it when the first reply is ENDED, or finished by it.
      await send(stage, startNode(), 'two')
      return unlessStored(stage, ['one', 'to one', 'two', 'to two'])
    },
  },

  'finisher stores the question': {
    breaks: 'stored: ',
    async take(stage, startNode) {
      const dead = startNode({ records: { change: DEAD, renew: DEAD }, history: { insertMessages: DEAD } })
      void send(stage, dead, 'one')
      await stage.model.nextCall()
      await startNode({}, late).replies.find(OWNER, (await stage.readActive())?.id ?? '')
      return unlessStored(stage, ['one'])
    },
  },

  'emit gate': {
    breaks: 'a token is out, and its question is not stored',
    async take(stage, startNode) {
      const node = startNode({ history: { insertMessages: DEAD } })
      const stream = await node.replies.send(OWNER, questionOf(stage.id, 'one'), never)
      let isOut = false
      void stream[Symbol.asyncIterator]()
        .next()
        .then(() => {
          isOut = true
        })
      ;(await stage.model.nextCall()).text('a token')
      for (let tick = 0; tick < 100; tick += 1) await new Promise(setImmediate)
      return isOut && (await stage.readTexts()).length === 0
        ? 'a token is out, and its question is not stored'
        : undefined
    },
  },

  'clientMessageId kept after the end': {
    breaks: 'stored: one, to one, to one',
    async take(stage, startNode) {
      const node = startNode()
      void answerEach(stage)
      await send(stage, node, 'one')
      await send(stage, node, 'one')
      return unlessStored(stage, ['one', 'to one'])
    },
  },

  'an own RUN is run': {
    breaks: 'told NODE_LOST, and the question is left to a takeover',
    async take(stage, startNode) {
      let lost = 1
      const change: ReplyRecords['change'] = async (...args) => {
        const isChanged = await stage.world.records.change(...args)
        if (args[1].phase === 'QUEUED' && args[2].phase === 'RUN' && lost-- > 0) throw away()
        return isChanged
      }
      const node = startNode({ records: { change } })
      const first = send(stage, node, 'one')
      const running = await stage.model.nextCall()
      const second = send(stage, node, 'two', 'QUEUE')
      await expect.poll(async () => (await stage.world.records.findQueued(OWNER, stage.id, 1)).length).toBe(1)
      void answerEach(stage)
      running.answer('1')
      await first
      const end = (await second).at(-1)
      const isLeft = (await stage.readActive())?.clientMessageId === 'two'
      return isLeft ? `told ${codeOf(end)}, and the question is left to a takeover` : unlessAnswered(end)
    },
  },

  'STOP at beat 0 is uncertain': {
    breaks: 'told NOT_FOUND',
    async take(stage, startNode) {
      const held = Promise.withResolvers<void>()
      const withdraw: ReplyRecords['withdraw'] = async (id) => {
        await held.promise
        return stage.world.records.withdraw(id)
      }
      const findConversations: History['findConversations'] = () => Promise.reject(away())
      const claimant = startNode({ records: { withdraw }, history: { findConversations } })
      const refused = send(stage, claimant, 'one')
      await expect.poll(async () => (await stage.readActive())?.phase).toBe('RUN')
      const next = send(stage, startNode(), 'two', 'SUPERSEDE')
      await expect.poll(async () => (await stage.readActive())?.phase).toBe('STOP')
      void answerEach(stage)
      const joining = Promise.withResolvers<void>()
      const findByClientMessageId: ReplyRecords['findByClientMessageId'] = async (...args) => {
        const found = await stage.world.records.findByClientMessageId(...args)
        joining.resolve()
        return found
      }
      const again = send(stage, startNode({ records: { findByClientMessageId } }), 'one', 'QUEUE')
      await joining.promise
      held.resolve()
      await Promise.all([refused, next])
      return unlessAnswered((await again).at(-1))
    },
  },
}

/**
 * A node that pauses at the end of its reply: of the writes that end it so many are done, and the next ones wait.
 * Renewals that would save more of the text than so much wait as well.
 */
function holdEnd({ world }: ReplyStage, done: number, savedLength = Number.POSITIVE_INFINITY) {
  const held = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  let count = 0
  async function pass(): Promise<void> {
    count += 1
    if (count <= done) return
    held.resolve()
    await released.promise
  }
  const change: ReplyRecords['change'] = async (id, from, changes) => {
    if (changes.phase === 'SEALED' || changes.phase === 'ENDED') await pass()
    else if ((changes.text ?? '').length > savedLength) await released.promise
    return world.records.change(id, from, changes)
  }
  const insertMessages: History['insertMessages'] = async (messages, options) => {
    if (messages.some(({ role }) => role === 'ASSISTANT')) await pass()
    return world.history.insertMessages(messages, options)
  }
  const stores: NodeChanges = { records: { change }, history: { insertMessages } }
  return { held: held.promise, release: released.resolve, stores }
}

async function send({ id }: ReplyStage, node: ReplyNode, text: string, onBusy: BusyPolicy = 'REJECT') {
  return collect(await node.replies.send(OWNER, questionOf(id, text, { onBusy }), never))
}

/** From now on the model answers whatever it is asked, and says which question that was. */
async function answerEach({ model }: ReplyStage): Promise<void> {
  for (;;) {
    const call = await model.nextCall()
    const question = call.request.messages.findLast((message) => Object(message).role === 'user')
    call.answer(`to ${Object(question).content}`)
  }
}

async function unlessStored(stage: ReplyStage, expected: readonly string[]): Promise<string | undefined> {
  const stored = (await stage.readTexts()).join(', ')
  return stored === expected.join(', ') ? undefined : `stored: ${stored}`
}

/** That another one came in its place is an answer. */
function unlessAnswered(end: ReplyEvent | undefined): string | undefined {
  return end?.type === 'ReplyCompleted' || end?.type === 'ReplyInterrupted' ? undefined : `told ${codeOf(end)}`
}

function codeOf(end: ReplyEvent | undefined): string | undefined {
  return end && 'code' in end ? end.code : end?.type
}
