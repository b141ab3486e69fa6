import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BusyPolicy } from '../../src/chat/begin/begin-reply.ts'
import type { ChatModel } from '../../src/chat/model/chat-model.ts'
import { HistoryUnavailableError } from '../../src/errors.ts'
import type { ReplyRecords } from '../../src/memory/history/reply-record.ts'
import { contentOf } from '../../src/memory/message.ts'
import { createTokenCounter } from '../../src/memory/tokens/token-counter.ts'
import { collect, createReplyNode, OWNER, questionOf } from '../support/reply-node.ts'
import { openSqliteWorld } from '../support/reply-world.ts'

const never = new AbortController().signal

/** What becomes of one write: done and answered, done and its answer lost, or never done. */
type Fate = 'ANSWERED' | 'LOST' | 'FAILED'

interface Game {
  fates: Fate[]
  sends: { node: 0 | 1; id: string; onBusy: BusyPolicy }[]
}

const games: fc.Arbitrary<Game> = fc.record({
  fates: fc.array(fc.constantFrom<Fate>('ANSWERED', 'ANSWERED', 'LOST', 'FAILED'), { minLength: 1, maxLength: 30 }),
  sends: fc.array(
    fc.record({
      node: fc.constantFrom<0 | 1>(0, 1),
      id: fc.constantFrom('a', 'b', 'c'),
      onBusy: fc.constantFrom<BusyPolicy>('REJECT', 'SUPERSEDE', 'QUEUE'),
    }),
    { minLength: 1, maxLength: 4 },
  ),
})

/** It answers at once, and says which question it was given last. */
const echo: ChatModel = {
  defaultModel: 'echo',
  async *stream({ messages }) {
    yield { type: 'text', text: `to ${JSON.stringify(messages.at(-1))}` }
    yield { type: 'finish', reason: 'STOP' }
  },
}

test('whatever answers of writes are lost, each question is stored once, answered once, and its conversation freed', async () => {
  const counter = createTokenCounter()
  await fc.assert(
    fc.asyncProperty(games, (game) => play(game, counter)),
    { numRuns: 100 },
  )
  await counter.close()
}, 300_000)

async function play({ fates, sends }: Game, counter: ReturnType<typeof createTokenCounter>): Promise<void> {
  const world = await openSqliteWorld()
  const records = withFates(world.records, [...fates])
  // The nodes share the counter, which each of them would close.
  const shared = { ...world, records, counter: { ...counter, close: async () => {} } }
  const nodes = [createReplyNode(shared, echo), createReplyNode(shared, echo)] as const
  try {
    const id = (await nodes[0].memory.createConversation(OWNER, {}, 'FAIL')).conversation.id
    const send = async ({ node, id: name, onBusy }: Game['sends'][number]) =>
      collect(await nodes[node].replies.send(OWNER, questionOf(id, name, { onBusy }), never))
    const ends = await Promise.all(sends.map(async (sent) => (await send(sent)).at(-1)))
    for (const end of ends) expect(end?.type).toMatch(/^Reply(Completed|Interrupted|Failed|Rejected)$/)
    // Every store answers again: each question that was sent is answered, now or before.
    records.heal()
    const names = [...new Set(sends.map((sent) => sent.id))]
    for (const name of names) {
      await expect
        .poll(async () => (await send({ node: 0, id: name, onBusy: 'QUEUE' })).at(-1)?.type)
        .toMatch(/^Reply(Completed|Interrupted)$/)
    }
    await expect.poll(() => world.records.findActive(OWNER, id)).toBeUndefined()
    expect(await world.records.findQueued(OWNER, id, 10)).toEqual([])
    const { path } = await nodes[0].memory.readPrompt(OWNER, id, 100_000, { consistency: 'STRONG' })
    const asked = path.messages.filter(({ role }) => role === 'USER').map(({ parts }) => contentOf(parts))
    expect(asked.toSorted()).toEqual(names.toSorted())
    const answers = path.messages.flatMap(({ replyId }) => replyId ?? [])
    expect(new Set(answers).size).toBe(answers.length)
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
    await world.close()
  }
}

/** Records whose next writes have these fates, in the order in which they are sent. */
function withFates(records: ReplyRecords, fates: Fate[]): ReplyRecords & { heal(): void } {
  async function meet<T>(write: () => Promise<T>): Promise<T> {
    const fate = fates.shift() ?? 'ANSWERED'
    if (fate === 'FAILED') throw away()
    const result = await write()
    if (fate === 'LOST') throw away()
    return result
  }

  return {
    ...records,
    insert: (...args) => meet(() => records.insert(...args)),
    change: (...args) => meet(() => records.change(...args)),
    renew: (...args) => meet(() => records.renew(...args)),
    withdraw: (...args) => meet(() => records.withdraw(...args)),
    withdrawQueued: (...args) => meet(() => records.withdrawQueued(...args)),
    heal() {
      fates.length = 0
    },
  }
}

function away(): HistoryUnavailableError {
  return new HistoryUnavailableError(new Error('away'))
}
