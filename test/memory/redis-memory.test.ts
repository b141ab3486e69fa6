import { Redis } from 'ioredis'
import { expect, inject, onTestFinished, test } from 'vitest'
import { decodeTailValue } from '../../src/memory/cache/cache-format.ts'
import { decodeTail } from '../../src/memory/cache/tail.ts'
import { contentOf } from '../../src/memory/message.ts'
import { createTokenCounter } from '../../src/memory/tokens/token-counter.ts'
import { newMongodb, startMemoryNode } from '../support/memory-node.ts'
import { OWNER, readContext, startConversation } from '../support/stored-conversation.ts'
import { realisticText } from '../support/texts.ts'

const MESSAGES = 5_000
const BATCH = 500
const MESSAGE_LENGTH = 200
const TAIL_TOKENS = 8_000
const BYTES_PER_CONTENT_BYTE = 1.4

test('Redis holds no more of a long conversation than its tail, at 1.4 bytes for a byte of content', async () => {
  const counter = createTokenCounter()
  onTestFinished(() => counter.close())
  const parts = { counter, history: newMongodb(), redisUrl: inject('redisUrl') }
  const node = await startMemoryNode(parts, { tailTokens: TAIL_TOKENS })
  const redis = new Redis(parts.redisUrl)
  onTestFinished(() => redis.disconnect())
  const conversationId = await startConversation(node)
  const keys = [`bs:v1:{${conversationId}}:head`, `bs:v1:{${conversationId}}:tail`] as const
  const text = plainLetters(realisticText(MESSAGES * MESSAGE_LENGTH * 2)).slice(0, MESSAGES * MESSAGE_LENGTH)
  await readContext(node, conversationId, TAIL_TOKENS)
  await node.settle()

  const check = async () => {
    const tail = decodeTailValue(await redis.get(keys[1]))
    if (tail === undefined) throw new Error('No tail')
    const held = decodeTail(conversationId, tail, 0) ?? []
    const contentBytes = held.reduce((sum, { parts: said }) => sum + Buffer.byteLength(contentOf(said)), 0)
    const usage = await Promise.all(keys.map((key) => redis.memory('USAGE', key)))
    expect(tail.tokens).toBeLessThanOrEqual(TAIL_TOKENS)
    expect(tail.tokens).toBeGreaterThan(TAIL_TOKENS * 0.9)
    expect(held.at(-1)?.sequence).toBe(MESSAGES)
    expect(usage.reduce<number>((sum, bytes) => sum + (bytes ?? 0), 0) / contentBytes).toBeLessThanOrEqual(
      BYTES_PER_CONTENT_BYTE,
    )
  }

  for (let begin = 0; begin < MESSAGES; begin += BATCH) {
    const batch = Array.from({ length: BATCH }, (_, index) => {
      const at = (begin + index) * MESSAGE_LENGTH
      const part = { type: 'text' as const, text: text.slice(at, at + MESSAGE_LENGTH) }
      return { role: index % 2 ? ('ASSISTANT' as const) : ('USER' as const), parts: [part] }
    })
    await node.memory.appendMessages(OWNER, conversationId, batch)
    await node.settle()
  }
  // As appends have left it, and as a read has filled it.
  await check()
  await node.guard.drop(conversationId)
  await readContext(node, conversationId, TAIL_TOKENS)
  await node.settle()
  await check()
})

/** One byte a character. */
function plainLetters(text: string): string {
  return text.replaceAll(/[^\x20-\x7e\n]/g, '')
}
