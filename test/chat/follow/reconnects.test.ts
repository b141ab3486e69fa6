import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startConversation } from '../../support/conversation-operations.ts'
import { TRANSPORTS } from '../../support/graphql-client.ts'
import { createReplyChain, type Hop } from '../../support/reply-chain.ts'
import { cancelReply, questionInput, startReply } from '../../support/reply-operations.ts'
import { storedTexts } from '../../support/stored-texts.ts'
import type { WireNode } from '../../support/wire-node.ts'
import { startWireNodes } from '../../support/wire-nodes.ts'

const MOST_RECONNECTS = 20
const CHARACTERS = [
  '👩‍👩‍👧',
  '🏳️‍🌈',
  '👋🏽',
  'e\u0301',
  'o\u0308\u0323',
  '한',
  'नि',
  '🇩🇪',
  '\u200d',
  '𝒳',
  ' ',
  'word',
  '\n',
]

const hop: fc.Arbitrary<Hop> = fc.record({
  node: fc.constantFrom(0, 1),
  transport: fc.constantFrom(...TRANSPORTS),
  events: fc.nat({ max: 4 }),
  leaves: fc.boolean(),
})
/** What the model says while a hop is connected: cut anywhere, also within a character. */
const said = fc.record({
  text: fc.array(fc.oneof(fc.constantFrom(...CHARACTERS), fc.string({ unit: 'grapheme', maxLength: 3 }))),
  cuts: fc.array(fc.nat({ max: 60 }), { maxLength: 6 }),
})

test('whoever is cut off again and again has the stored text, byte for byte', async () => {
  const { nodes, model } = await startWireNodes()
  const during = fc.array(fc.record({ hop, said }), { minLength: 1, maxLength: MOST_RECONNECTS / 2 })
  const after = fc.array(hop, { maxLength: MOST_RECONNECTS / 2 })
  await fc.assert(
    fc.asyncProperty(during, after, fc.constantFrom(0, 1), async (during, after, owner) => {
      const { conversationId, replyId } = await begin(nodes[owner])
      const call = await model.nextCall()
      const chain = createReplyChain(nodes, replyId)
      let text = ''
      for (const { hop, said } of during) {
        const following = chain.follow(hop, withoutHalf(text + said.text.join('')).length)
        for (const piece of piecesOf(said.text.join(''), said.cuts)) {
          call.text(piece)
          text += piece
        }
        await following
      }
      call.finish()
      call.end()
      for (const hop of [...after, LAST_HOP]) await chain.follow(hop)
      const [, stored] = await storedTexts(nodes[0].client, conversationId)
      expect(stored).toBe(text.toWellFormed())
      expect(chain.text).toBe(stored)
      expect(chain.doubledText).toBe(stored)
      expect(chain.endings).toMatchObject([{ __typename: 'ReplyCompleted', message: { content: stored } }])
    }),
    { numRuns: 25 },
  )
}, 300_000)

test('a chain through more than 10,000 deltas that ends in a cancel has the stored text', async () => {
  const { nodes, model } = await startWireNodes()
  const { conversationId, replyId } = await begin(nodes[0])
  const call = await model.nextCall()
  const chain = createReplyChain(nodes, replyId)
  let length = 0
  for (const [index, each] of fc.sample(hop, MOST_RECONNECTS - 1).entries()) {
    const pieces = Array.from(
      { length: 600 },
      (_, count) => `${index}.${count} ${CHARACTERS[count % CHARACTERS.length]}`,
    )
    length += pieces.join('').length
    const following = chain.follow(each, length)
    for (const [count, piece] of pieces.entries()) {
      call.text(piece)
      // As tokens come: a few at a time.
      if (count % 5 === 0) await setImmediate()
    }
    await following
  }
  await nodes[1].client.get(cancelReply, { id: replyId })
  await chain.follow(LAST_HOP)
  const [, stored = ''] = await storedTexts(nodes[0].client, conversationId)
  expect(stored.length).toBe(length)
  expect(chain.text).toBe(stored)
  expect(chain.doubledText).toBe(stored)
  const partial = { content: stored, status: 'INTERRUPTED' }
  expect(chain.endings).toMatchObject([{ __typename: 'ReplyInterrupted', reason: 'CANCELLED', partial }])
})

const LAST_HOP: Hop = { node: 1, transport: 'WebSocket', events: Number.POSITIVE_INFINITY, leaves: true }

async function begin({ client }: WireNode) {
  const conversationId = await startConversation(client)
  const { startReply: result } = await client.get(startReply, { input: questionInput(conversationId, 'hello') })
  if (result.__typename !== 'StartReplySuccess') throw new Error(JSON.stringify(result))
  return { conversationId, replyId: result.reply.id }
}

function piecesOf(text: string, cuts: readonly number[]): string[] {
  const ends = [...cuts.filter((cut) => cut < text.length), text.length].sort((a, b) => a - b)
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end))
}

/** A first half of a character waits for the second one. */
function withoutHalf(text: string): string {
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text
}
