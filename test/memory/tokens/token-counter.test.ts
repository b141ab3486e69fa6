import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import fc from 'fast-check'
import * as cl100k from 'gpt-tokenizer/encoding/cl100k_base'
import * as o200k from 'gpt-tokenizer/encoding/o200k_base'
import * as harmony from 'gpt-tokenizer/encoding/o200k_harmony'
import * as p50k from 'gpt-tokenizer/encoding/p50k_base'
import * as r50k from 'gpt-tokenizer/encoding/r50k_base'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BadUserInputError } from '../../../src/errors.ts'
import type { MessageDraft, Role } from '../../../src/memory/message.ts'
import { ENCODING_NAMES, isEncoding } from '../../../src/memory/tokens/encoding.ts'
import { createTokenCounter, type WarmTokenCounter } from '../../../src/memory/tokens/token-counter.ts'
import { type LoopUse, measureLongestTick } from '../../support/longest-tick.ts'
import { mixedTexts, realisticText } from '../../support/texts.ts'

type Draft = Pick<MessageDraft, 'role' | 'parts' | 'author'>

const execute = promisify(execFile)
const PLAIN = { disallowedSpecial: new Set<string>() }
const LIBRARY = { o200k_base: o200k, o200k_harmony: harmony, cl100k_base: cl100k, p50k_base: p50k, r50k_base: r50k }

function draft(text: string, role: Role = 'USER'): Draft {
  return { role, parts: [{ type: 'text', text }] }
}

let counter: WarmTokenCounter

beforeAll(async () => {
  counter = createTokenCounter()
  await counter.warm('o200k_base')
})

afterAll(() => counter.close())

describe('the count of a text', () => {
  test.each(Object.entries(LIBRARY))('by %s is the one of the library, in every script', async (encoding, library) => {
    const property = fc.asyncProperty(fc.array(mixedTexts(30), { minLength: 20, maxLength: 20 }), async (texts) => {
      const tokens = await counter.countMessages(
        encoding,
        texts.map((text) => draft(text)),
      )
      expect(tokens).toEqual(texts.map((text) => library.countTokens(text, PLAIN) + 4))
    })
    await fc.assert(property, { numRuns: 150 })
  })

  test('takes special tokens as plain text', async () => {
    const text = 'a <|endoftext|> b <|im_start|>system<|im_end|>'
    expect(() => o200k.countTokens(text)).toThrow()
    expect(await counter.countMessages('o200k_base', [draft(text)])).toEqual([o200k.countTokens(text, PLAIN) + 4])
  })

  test('follows the library where byte order marks mislead it', async () => {
    const texts = ['\ufeff', '\ufeff名', '\ufeff\ufeffង', '\ufeffusing', '\ufeff\n\ufeff//']
    const tokens = await counter.countMessages(
      'o200k_base',
      texts.map((text) => draft(text)),
    )
    expect(tokens).toEqual(texts.map((text) => o200k.countTokens(text, PLAIN) + 4))
  })

  test.each(Object.entries(LIBRARY))('by %s is the same however it is cut', async (encoding, library) => {
    const cutting = createTokenCounter({ sliceCharacters: 3, inlineCharacters: 0 })
    await cutting.warm('o200k_base')
    const property = fc.asyncProperty(fc.array(mixedTexts(30), { minLength: 3, maxLength: 3 }), async (texts) => {
      const parts = texts.map((output) => ({ type: 'toolResult' as const, toolCallId: 'c', output }))
      const tokens = await cutting.countMessages(encoding, [
        { role: 'USER', parts },
        ...texts.map((text) => draft(text)),
      ])
      const counts = texts.map((text) => library.countTokens(text, PLAIN))
      expect(tokens).toEqual([counts.reduce((sum, count) => sum + count, 4), ...counts.map((count) => count + 4)])
    })
    await fc.assert(property, { numRuns: 100 })
    await cutting.close()
  })

  test('is the same on the event loop and off it', async () => {
    const cold = createTokenCounter()
    const drafts = fc.sample(mixedTexts(10), 200).map((text) => draft(text))
    try {
      const offLoop = await cold.countMessages('o200k_base', drafts)
      const onLoop = await Promise.all(drafts.map((one) => counter.countMessages('o200k_base', [one])))
      expect(offLoop).toEqual(onLoop.flat())
    } finally {
      await cold.close()
    }
  })
})

describe('a chat', () => {
  const roles = fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool')
  const names = fc.option(fc.constantFrom('', 'Ada', 'Grace Hopper', 'サポート', 'bot-7'), { nil: undefined })
  const chats = fc.array(fc.record({ role: roles, name: names, content: mixedTexts(8) }), { maxLength: 8 })

  test.each([
    ['o200k_base', o200k, 'gpt-4o', 3],
    ['cl100k_base', cl100k, 'gpt-4', 3],
    ['o200k_harmony', harmony, 'gpt-oss-20b', 2],
  ] as const)(
    'by %s costs what the library encodes it to, but for the start of the reply',
    async (encoding, library, model, start) => {
      const property = fc.asyncProperty(chats, async (chat) => {
        const drafts = chat.map(({ role, name, content }) => ({
          ...draft(content, role.toUpperCase() as Role),
          ...(name !== undefined && { author: name }),
        }))
        const tokens = await counter.countMessages(encoding, drafts)
        const encoded = library.encodeChat(chat as Parameters<typeof library.encodeChat>[0], model, PLAIN)
        expect(tokens.reduce((sum, one) => sum + one, start)).toBe(encoded.length)
      })
      await fc.assert(property, { numRuns: 300 })
    },
  )

  test('costs four tokens a message and three for the reply', async () => {
    const tokens = await counter.countMessages('o200k_base', [
      draft(''),
      draft('', 'ASSISTANT'),
      { role: 'TOOL', parts: [] },
    ])
    expect(tokens).toEqual([4, 4, 4])
    expect(o200k.encodeChat([], 'gpt-4o')).toHaveLength(3)
  })

  test('counts every part by its own', async () => {
    const [tokens] = await counter.countMessages('o200k_base', [
      {
        role: 'ASSISTANT',
        parts: [
          { type: 'text', text: 'Let me look.' },
          { type: 'toolCall', toolCallId: 'call_1', toolName: 'search', arguments: '{"query":"tea"}' },
        ],
      },
    ])
    const texts = ['Let me look.', 'search', '{"query":"tea"}']
    expect(tokens).toBe(texts.reduce((sum, text) => sum + o200k.countTokens(text), 4))
  })
})

/** Han letters in an order without a pattern: the slowest text to count. */
function hanOf(letters: number): string {
  return Array.from({ length: letters }, (_, index) => String.fromCharCode(0x4e00 + ((index * 7_919) % 20_000))).join(
    '',
  )
}

/** Counted on the event loop, a text is all that the process does. */
const MOST_SHARE = 1 / 3
/** It takes 2.5 ms; the least of a few is what it takes, the others what the compiler and the machine do besides. */
const ROUNDS = 5

describe('the event loop', () => {
  const cases: [name: string, text: string, tokens: number][] = [
    ['200,000 times the letter a', 'a'.repeat(200_000), 25_000],
    ['100,000 Han characters', '汉'.repeat(100_000), 100_000],
    ['a mebibyte of spaces', ' '.repeat(1 << 20), 8_192],
    ['half a mebibyte of emoji', '😀'.repeat(1 << 17), 131_072],
    ['150,000 characters of prose and code', realisticText(150_000), 0],
  ]

  test.each(cases)('is free while %s are counted', async (_, text, expected) => {
    await counter.countMessages('o200k_base', [draft('x'.repeat(3_000))])
    const { tokens, longestTickShare } = await measure(() => counter.countMessages('o200k_base', [draft(text)]))
    expect(tokens).toEqual([(expected || o200k.countTokens(text)) + 4])
    expect(longestTickShare).toBeLessThan(MOST_SHARE)
  })

  test('is free while a thousand messages are counted', async () => {
    const texts = Array.from({ length: 1_000 }, (_, index) => realisticText(200 + index))
    const { tokens, longestTickShare } = await measure(() =>
      counter.countMessages(
        'o200k_base',
        texts.map((text) => draft(text)),
      ),
    )
    expect(tokens).toEqual(texts.map((text) => o200k.countTokens(text) + 4))
    expect(longestTickShare).toBeLessThan(MOST_SHARE)
  })

  test('is held for a moment only by the slowest message that is counted on it', async () => {
    const text = hanOf(1_000)
    const counts: LoopUse[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const { tokens, ...use } = await measure(() => counter.countMessages('o200k_base', [draft(text)]))
      expect(tokens).toEqual([o200k.countTokens(text) + 4])
      counts.push(use)
    }
    expect(Math.min(...counts.map(({ longestTickMs }) => longestTickMs))).toBeLessThan(20)
  })

  test('is free while the first message of an encoding is counted', async () => {
    const cold = createTokenCounter()
    try {
      const { tokens, longestTickShare } = await measure(() => cold.countMessages('o200k_base', [draft('hello world')]))
      expect(tokens).toEqual([6])
      expect(longestTickShare).toBeLessThan(MOST_SHARE)
    } finally {
      await cold.close()
    }
  })
})

describe('in turns', () => {
  test('what one asks for does not wait for the long texts of others, however many there are', async () => {
    await startThreads()
    const ended: string[] = []
    const counting = Array.from({ length: 10 }, async (_, index) => {
      await counter.countMessages('o200k_base', [draft(hanOf(60_000))], { ownerId: 'one', source: `${index}` })
      ended.push('long')
    })
    await counter.countMessages('o200k_base', [draft(hanOf(2_400))], { ownerId: 'one', source: 'other' })
    ended.push('short')
    await Promise.all(counting)
    expect(ended.indexOf('short')).toBeLessThan(5)
  })

  test('one of middle length comes after those that are being counted, and before the others', async () => {
    await startThreads()
    const ended: string[] = []
    const counting = Array.from({ length: 10 }, async (_, index) => {
      await counter.countMessages('o200k_base', [draft(hanOf(60_000))], { ownerId: 'one', source: `${index}` })
      ended.push('long')
    })
    await counter.countMessages('o200k_base', [draft(hanOf(50_000))], { ownerId: 'one', source: 'other' })
    ended.push('middle')
    await Promise.all(counting)
    expect(ended.indexOf('middle')).toBeLessThan(5)
  })
})

/** A thread that starts loads its vocabulary first. */
async function startThreads(): Promise<void> {
  await Promise.all(['one', 'two'].map(() => counter.countMessages('o200k_base', [draft(hanOf(2_000))])))
}

describe('a counter', () => {
  test('knows the encodings of the library and no other', async () => {
    expect(ENCODING_NAMES).toContain('o200k_base')
    expect(isEncoding('cl100k_base')).toBe(true)
    expect(isEncoding('toString')).toBe(false)
    await expect(counter.countMessages('o300k_base', [draft('x')])).rejects.toThrow(BadUserInputError)
  })

  test('counts nothing once it is closed, and closes twice', async () => {
    const closed = createTokenCounter()
    await closed.close()
    await closed.close()
    await expect(closed.countMessages('o200k_base', [draft('x')])).rejects.toThrow('closed')
  })

  test('fails a count that is under way when it is closed', async () => {
    const closing = createTokenCounter()
    const counted = expect(closing.countMessages('o200k_base', [draft('a'.repeat(1 << 20))])).rejects.toThrow()
    await closing.close()
    await counted
  })
})

test('an idle thread does not keep the process from ending', async () => {
  const module = new URL('../../../src/memory/tokens/token-counter.ts', import.meta.url).href
  const script = `
    import { createTokenCounter } from '${module}'
    const parts = [{ type: 'text', text: 'hello world' }]
    console.log(await createTokenCounter().countMessages('o200k_base', [{ role: 'USER', parts }]))`
  const { stdout } = await execute(process.execPath, ['--input-type=module', '--eval', script], { timeout: 60_000 })
  expect(stdout).toBe('[ 6 ]\n')
})

/** The tokens, and what counting them took of the event loop. */
async function measure(count: () => Promise<number[]>): Promise<LoopUse & { tokens: number[] }> {
  let tokens: number[] = []
  const use = await measureLongestTick(async () => {
    tokens = await count()
  })
  return { tokens, ...use }
}
