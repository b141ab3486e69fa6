import { describe, expect, test } from 'vitest'
import type { ModelEvent } from '../../../src/chat/model/chat-model.ts'
import { createDemoModel } from '../../../src/chat/model/demo-model.ts'
import type { Json } from '../../../src/memory/message.ts'

const MESSAGES: Json[] = [
  { role: 'system', content: 'Be kind.' },
  { role: 'user', content: 'Where is\nmy order? 📦' },
  { role: 'assistant', content: null, tool_calls: [] },
  { role: 'user', content: [{ type: 'text', text: 'And ' }, { type: 'image_url' }, { type: 'text', text: 'this?' }] },
]

describe('the demo model', () => {
  test('says what context it was given', async () => {
    const answer = await answerTo(MESSAGES)
    expect(answer).toContain('**3 messages (2 user, 1 assistant)**')
    expect(answer).toContain('- Instructions: “Be kind.”')
    expect(answer).toContain('- First message, from user: “Where is my order? 📦”')
    expect(answer).toContain('- Last message, from user: “And this?”')
  })

  test('answers without instructions, without messages and to what it cannot read', async () => {
    expect(await answerTo([])).toContain('**0 messages**')
    expect(await answerTo([{ role: 'user', content: 'Hi' }])).toContain('**1 message (1 user)**')
    expect(await answerTo([{ role: 'user', content: 'Hi' }])).toContain('- Instructions: none')
    expect(await answerTo([5])).toContain('**1 message (1 unknown)**')
  })

  test('streams word by word, with whole characters of many bytes', async () => {
    const words = textsOf(await collect(createDemoModel({ delayMs: 0 }).stream(request(MESSAGES), signal())))
    expect(words.length).toBeGreaterThan(20)
    expect(words.every((word) => word.isWellFormed())).toBe(true)
    expect(words.join('')).toMatch(/👩‍🚀✨$/)
  })

  test('cuts long messages between characters as people see them', async () => {
    const answer = await answerTo([{ role: 'user', content: '👩‍👩‍👧'.repeat(10_000) }])
    expect(answer).toContain(`“${'👩‍👩‍👧'.repeat(100)}…”`)
  })

  test('gives the same answer to the same messages', async () => {
    expect(await answerTo(MESSAGES)).toBe(await answerTo(MESSAGES))
  })

  test('finishes, and says nothing of what it cost', async () => {
    const events = await collect(createDemoModel({ delayMs: 0 }).stream(request(MESSAGES), signal()))
    expect(events.at(-1)).toEqual({ type: 'finish', reason: 'STOP' })
    expect(events.some(({ type }) => type === 'usage')).toBe(false)
  })

  test.each([0, 3_600_000])('stops at an abort (%i ms between words)', async (delayMs) => {
    const controller = new AbortController()
    const events = createDemoModel({ delayMs }).stream(request(MESSAGES), controller.signal)
    const next = events[Symbol.asyncIterator]().next()
    controller.abort()
    await expect(delayMs === 0 ? collect(events) : next).rejects.toThrow(/abort/i)
  })
})

async function answerTo(messages: Json[]): Promise<string> {
  return textsOf(await collect(createDemoModel({ delayMs: 0 }).stream(request(messages), signal()))).join('')
}

function request(messages: Json[]) {
  return { messages, cacheKey: 'conv_1' }
}

function signal(): AbortSignal {
  return new AbortController().signal
}

async function collect(events: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const collected: ModelEvent[] = []
  for await (const event of events) collected.push(event)
  return collected
}

function textsOf(events: readonly ModelEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'text' ? [event.text] : []))
}
