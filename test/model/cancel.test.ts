import { expect, inject, test } from 'vitest'
import type { ReplyEvent } from '../../src/chat/follow/reply-event.ts'
import { contentOf } from '../../src/memory/message.ts'
import { eventOf, type ModelNode, report, startModelNode } from '../support/model-node.ts'
import { createModelProbe } from '../support/model-probe.ts'
import { OWNER, placeDeltas, questionOf } from '../support/reply-node.ts'

const FREE_WITHIN_MS = 250
/** The machine may be busy with something else: the best of so many counts. */
const TRIES = 3
const DELTAS_BEFORE = 5
/** As long as the model's window lasts: it does not end by itself before it is stopped. */
const ENDLESS = { maxReplyTokens: 1_500, modelOptions: { ignore_eos: true } }
const probe = createModelProbe(inject('modelUrl'))

test('cancelling a reply frees the model within 250 ms, and what was said is stored', async () => {
  const node = await startModelNode('You like to talk.')
  await expectFreedSoon('cancelReply', async (attempt) => {
    const { id, events, ended } = await startEndlessReply(node, `Story ${attempt}`)
    const [freeAfterMs] = await Promise.all([measureUntilFree(), node.replies.cancel(OWNER, id)])
    await ended
    const { reason, partial } = eventOf(events, 'ReplyInterrupted')
    expect(reason).toBe('CANCELLED')
    expect(partial && contentOf(partial.parts)).toBe(placeDeltas(events))
    expect(partial).toMatchObject({ status: 'INTERRUPTED', usage: { estimated: true } })
    return freeAfterMs
  })
})

test('leaving a reply that shall end then frees the model within 250 ms', async () => {
  const node = await startModelNode('You like to talk.')
  await expectFreedSoon('leaving the stream', async (attempt) => {
    const { id, events, ended, leave } = await startEndlessReply(node, `Story ${attempt}`)
    leave()
    const freeAfterMs = await measureUntilFree()
    await ended
    await expect
      .poll(() => node.replies.find(OWNER, id))
      .toMatchObject({
        phase: 'ENDED',
        outcome: { type: 'INTERRUPTED', reason: 'DISCONNECTED' },
        messageId: expect.any(String),
      })
    const record = await node.replies.find(OWNER, id)
    const [message] = await node.memory.findMessages(OWNER, [record?.messageId ?? ''])
    expect(message && contentOf(message.parts).startsWith(placeDeltas(events))).toBe(true)
    return freeAfterMs
  })
})

async function startEndlessReply({ conversationId, replies }: ModelNode, text: string) {
  const client = new AbortController()
  const question = questionOf(conversationId, text, { ...ENDLESS, maxTokens: 100, onDisconnect: 'CANCEL' })
  const stream = await replies.send(OWNER, question, client.signal)
  const events: ReplyEvent[] = []
  const { promise: isUnderWay, resolve } = Promise.withResolvers<void>()
  const receive = async () => {
    for await (const event of stream) {
      events.push(event)
      if (events.filter(({ type }) => type === 'ReplyDelta').length === DELTAS_BEFORE) resolve()
    }
  }
  const ended = receive()
  await Promise.race([isUnderWay, ended])
  expect((await probe.readSlot()).isProcessing).toBe(true)
  return { id: events[0]?.replyId ?? '', events, ended, leave: () => client.abort() }
}

/** Each look takes the model up to one token. */
async function measureUntilFree(): Promise<number> {
  const from = performance.now()
  await expect.poll(async () => (await probe.readSlot()).isProcessing, { interval: 5 }).toBe(false)
  return performance.now() - from
}

async function expectFreedSoon(what: string, freeAfter: (attempt: number) => Promise<number>): Promise<void> {
  const measured: number[] = []
  while (measured.length < TRIES && !measured.some((ms) => ms <= FREE_WITHIN_MS)) {
    measured.push(await freeAfter(measured.length))
  }
  report(`The model was free after ${what} within ${measured.map(Math.round).join(', ')} ms.`)
  expect(Math.min(...measured)).toBeLessThanOrEqual(FREE_WITHIN_MS)
}
