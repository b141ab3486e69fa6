import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { SequenceRange } from '../../../src/memory/history/history.ts'
import { createLengthRoom, idempotencyKey } from '../../../src/memory/history/stored-draft.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import type { Json, Message, MessagePart } from '../../../src/memory/message.ts'
import type { HistoryUnderTest } from './history-suite.ts'
import { appendOptimistically } from './optimistic-append.ts'
import { sampleMessage, sampleMessages } from './stored-samples.ts'

const ALL = { branch: '0', afterSequence: 0, beforeSequence: Number.MAX_SAFE_INTEGER, limit: 10_000 } as const

export function describeMessages(subject: HistoryUnderTest): void {
  const readRange = async (range: SequenceRange): Promise<Message[]> =>
    (await subject.history.readSequenceRange(range)).messages
  const readAll = (conversationId: string): Promise<Message[]> => readRange({ ...ALL, conversationId, from: 'OLDEST' })
  const sequences = (messages: readonly Message[]): number[] => messages.map(({ sequence }) => sequence)

  describe('messages', () => {
    it('come back as they were stored, absent values absent', async () => {
      const id = createConversationId()
      const parts: MessagePart[] = [
        { type: 'reasoning', text: 'hm' },
        { type: 'text', text: 'a', providerMetadata: { $where: [1, null, { 'a.b': {} }] } },
        { type: 'toolCall', toolCallId: 't', toolName: 'f', arguments: '{"x": 1.0}' },
        { type: 'file', url: 'https://example.org/a.png', mediaType: 'image/png' },
        { type: 'data', name: 'd', data: JSON.parse('{"__proto__": {"$ref": 1}, "": 2}') as Json },
      ]
      const usage = { promptTokens: 5, completionTokens: 6, cachedPromptTokens: 2, estimated: false }
      const answer = { role: 'ASSISTANT', status: 'INTERRUPTED', finishReason: 'LENGTH', model: 'm', usage } as const
      const messages = [
        sampleMessage(id, 1, { clientMessageId: 'r:1', author: 'Ann', metadata: { 'x.y': 1, $z: null } }),
        sampleMessage(id, 2, { ...answer, parts, replyId: 'rep_1', replyTo: 'msg_1' }),
        sampleMessage(id, 3, { parts: [] }),
        sampleMessage(id, 4, { parts: [{ type: 'text', text: '' }] }),
      ]
      expect(await subject.history.insertMessages(messages)).toStrictEqual({ inserted: 4, duplicate: false })
      expect(await readAll(id)).toStrictEqual(messages)
    })

    it('keep any text and any JSON, half surrogate pairs and NUL included', async () => {
      const anyText = fc
        .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
        .map((units) => String.fromCharCode(...units))
      const text = fc.oneof(
        anyText,
        fc.string({ unit: 'binary' }),
        fc.constantFrom('\ud83d', '\u0000', 'a\u0000b', '\udc00x'),
      )
      const deep = fc
        .integer({ min: 1, max: 300 })
        .map((depth) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as Json)
      const json = fc.oneof(
        fc.json().map((each) => JSON.parse(each) as Json),
        deep,
        text,
      )
      const part: fc.Arbitrary<MessagePart> = fc.oneof(
        text.map((each) => ({ type: 'text' as const, text: each })),
        fc.tuple(text, json).map(([each, data]) => ({ type: 'text' as const, text: each, providerMetadata: data })),
        fc.tuple(text, json).map(([name, data]) => ({ type: 'data' as const, name, data })),
      )
      const anyParts = fc.array(fc.array(part, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 40 })
      await fc.assert(
        fc.asyncProperty(anyParts, async (batch) => {
          const id = createConversationId()
          const messages = batch.map((parts, index) => sampleMessage(id, index + 1, { parts }))
          await subject.history.insertMessages(messages)
          expect(JSON.stringify(await readAll(id))).toBe(JSON.stringify(messages.map(asStored)))
        }),
        { numRuns: 20 },
      )
    })

    it('are stored in order up to the first whose position is taken', async () => {
      const id = createConversationId()
      await subject.history.insertMessages([sampleMessage(id, 3)])
      const outcome = await subject.history.insertMessages(sampleMessages(id, 1, 5))
      expect(outcome).toStrictEqual({ inserted: 2, duplicate: true })
      expect(sequences(await readAll(id))).toStrictEqual([1, 2, 3])
    })

    it('are stored once by the id of their client or of their reply', async () => {
      const id = createConversationId()
      const first = [sampleMessage(id, 1, { clientMessageId: 'x' }), sampleMessage(id, 2, { replyId: 'x' })]
      expect(await subject.history.insertMessages(first)).toStrictEqual({ inserted: 2, duplicate: false })
      for (const key of [{ clientMessageId: 'x' }, { replyId: 'x' }]) {
        const outcome = await subject.history.insertMessages([sampleMessage(id, 3, key)])
        expect(outcome).toStrictEqual({ inserted: 0, duplicate: true })
      }
      const elsewhere = [sampleMessage(createConversationId(), 1, { clientMessageId: 'x' })]
      expect(await subject.history.insertMessages(elsewhere)).toStrictEqual({ inserted: 1, duplicate: false })
    })

    it('of 32 writers at once take every position once: no gap, no loss, no duplicate', async () => {
      const id = createConversationId()
      const writers = Array.from({ length: 32 }, (_, writer) => `writer ${writer}`)
      await Promise.all(
        writers.map((writer, index) => appendOptimistically(subject.history, id, writer, 1 + (index % 4))),
      )
      const messages = await readAll(id)
      expect(sequences(messages)).toStrictEqual(Array.from({ length: 80 }, (_, index) => index + 1))
      const expected = writers.flatMap((writer, index) =>
        Array.from({ length: 1 + (index % 4) }, (_, own) => `${writer}-${own}`),
      )
      expect(messages.map(({ clientMessageId }) => clientMessageId).sort()).toStrictEqual(expected.sort())
    })

    it('come in batches of a thousand, and of many megabytes', async () => {
      const id = createConversationId()
      expect(await subject.history.insertMessages(sampleMessages(id, 1, 1_000))).toMatchObject({ inserted: 1_000 })
      const large = sampleMessages(id, 1_001, 1_012).map((message) => {
        return { ...message, parts: [{ type: 'text' as const, text: 'm'.repeat(1 << 20) }] }
      })
      expect(await subject.history.insertMessages([...large, sampleMessage(id, 1)])).toStrictEqual({
        inserted: 12,
        duplicate: true,
      })
      const newest = await subject.history.readTokenRange({ conversationId: id, branch: '0', fromTokens: 0, limit: 13 })
      expect(newest.map(({ parts: [part] }) => part?.type === 'text' && part.text.length)).toStrictEqual([
        ...large.map(() => 1 << 20),
        12,
      ])
    })

    it('are read by a range of tokens, the newest first', async () => {
      const id = createConversationId()
      await subject.history.insertMessages([...sampleMessages(id, 1, 9), sampleMessage(id, 7, { branch: 'b' })])
      const range = { conversationId: id, branch: '0', fromTokens: 50, limit: 100 }
      expect(sequences(await subject.history.readTokenRange(range))).toStrictEqual([9, 8, 7, 6])
      expect(sequences(await subject.history.readTokenRange({ ...range, limit: 2 }))).toStrictEqual([9, 8])
      expect(sequences(await subject.history.readTokenRange({ ...range, belowTokens: 70 }))).toStrictEqual([7, 6])
      expect(sequences(await subject.history.readTokenRange({ ...range, fromTokens: 51 }))).toStrictEqual([9, 8, 7])
      expect(await subject.history.readTokenRange({ ...range, limit: 0 })).toStrictEqual([])
      expect(await subject.history.readTokenRange({ ...range, branch: 'c' })).toStrictEqual([])
    })

    it('are read by a range of sequences, the oldest first', async () => {
      const id = createConversationId()
      await subject.history.insertMessages(sampleMessages(id, 1, 9))
      const range = { conversationId: id, branch: '0', afterSequence: 2, beforeSequence: 8, limit: 3 }
      expect(sequences(await readRange({ ...range, from: 'OLDEST' }))).toStrictEqual([3, 4, 5])
      expect(sequences(await readRange({ ...range, from: 'NEWEST' }))).toStrictEqual([5, 6, 7])
      expect(await readRange({ ...range, limit: 0, from: 'NEWEST' })).toStrictEqual([])
    })

    it('are fewer in a range where they are long, and at least one', async () => {
      const id = createConversationId()
      const long = (sequence: number, length: number) =>
        sampleMessage(id, sequence, { parts: [{ type: 'text', text: 'x'.repeat(length) }] })
      await subject.history.insertMessages([long(1, 600_000), long(2, 300_000), long(3, 300_000), long(4, 700_000)])
      const read = async (from: SequenceRange['from'], maxLength: number, limit = 10) => {
        const range = { conversationId: id, branch: '0', afterSequence: 0, beforeSequence: 10, limit, maxLength, from }
        const { messages, isShortened } = await subject.history.readSequenceRange(range)
        return [sequences(messages), isShortened]
      }
      expect(await read('OLDEST', 1_000_000)).toStrictEqual([[1, 2], true])
      expect(await read('NEWEST', 1_000_000)).toStrictEqual([[3, 4], true])
      expect(await read('NEWEST', 1)).toStrictEqual([[4], true])
      expect(await read('OLDEST', 1_000_000, 2)).toStrictEqual([[1, 2], false])
      expect(await read('OLDEST', 2_000_000)).toStrictEqual([[1, 2, 3, 4], false])
    })

    it('have a head on each branch, wherever its hint stands', async () => {
      const [one, two, empty] = [createConversationId(), createConversationId(), createConversationId()]
      await subject.history.insertMessages([...sampleMessages(one, 1, 9), sampleMessage(one, 4, { branch: 'b' })])
      await subject.history.insertMessages(sampleMessages(two, 1, 2))
      const at = (conversationId: string, sequence: number, branch = '0') => {
        return { conversationId, branch, hint: { sequence, tokens: sequence * 10 } }
      }
      const asked = [at(two, 2), at(one, 0), at(one, 9), at(one, 3, 'b'), at(empty, 0), at(one, 7), at(two, 1)]
      const heads = await subject.history.readHeads(asked)
      expect(heads).toStrictEqual([2, 9, 9, 4, 0, 9, 2].map((sequence) => ({ sequence, tokens: sequence * 10 })))
      expect(await subject.history.readHeads([])).toStrictEqual([])
    })

    it('are found by their ids, in the order asked, on any branch of any conversation', async () => {
      const [one, two] = [createConversationId(), createConversationId()]
      const stored = [sampleMessage(one, 1), sampleMessage(one, 2), sampleMessage(one, 2, { branch: 'k' })]
      await subject.history.insertMessages(stored)
      await subject.history.insertMessages([sampleMessage(two, 1)])
      const [first, second, other] = stored
      const ids = [sampleMessage(two, 1).id, other?.id ?? '', 'nonsense', first?.id ?? '', sampleMessage(two, 9).id]
      const found = await subject.history.findMessages([...ids, second?.id ?? ''])
      expect(found).toStrictEqual([sampleMessage(two, 1), other, undefined, first, undefined, second])
      expect(await subject.history.findMessages([])).toStrictEqual([])
    })

    it('are not found by their ids where they are too long together, on one branch or on several', async () => {
      const id = createConversationId()
      const parts: MessagePart[] = [{ type: 'text', text: 'x'.repeat(1_000) }]
      const stored = [1, 2, 3].map((sequence) => sampleMessage(id, sequence, { parts }))
      const other = sampleMessage(id, 2, { branch: 'k', parts })
      await subject.history.insertMessages(stored)
      await subject.history.insertMessages([other])
      const read = (messages: readonly Message[], maxLength: number) =>
        subject.history.findMessages(
          messages.map((message) => message.id),
          maxLength,
        )
      expect(await read([...stored, other], 4_500)).toStrictEqual([...stored, other])
      await expect(read(stored, 2_500)).rejects.toMatchObject({ code: 'QUERY_TOO_COMPLEX' })
      await expect(read([...stored, other], 3_500)).rejects.toMatchObject({ code: 'QUERY_TOO_COMPLEX' })
    })

    it('are no longer read by a range of tokens than there is room for', async () => {
      const id = createConversationId()
      const metadata = { k: 'x'.repeat(512) }
      await subject.history.insertMessages([1, 2, 3].map((sequence) => sampleMessage(id, sequence, { metadata })))
      const read = (maxLength: number) =>
        subject.history.readTokenRange({
          ...{ conversationId: id, branch: '0', fromTokens: 0, limit: 10 },
          room: createLengthRoom(maxLength),
        })
      expect(await read(3_000)).toHaveLength(3)
      await expect(read(1_200)).rejects.toMatchObject({ code: 'QUERY_TOO_COMPLEX' })
    })

    it('are found by the keys of their client and of their reply', async () => {
      const id = createConversationId()
      const messages = Array.from({ length: 40 }, (_, index) =>
        sampleMessage(id, index + 1, { clientMessageId: `c${index}` }),
      )
      const [ofReply, bare] = [sampleMessage(id, 41, { replyId: 'c7' }), sampleMessage(id, 42)]
      await subject.history.insertMessages([...messages, ofReply, bare])
      const wanted = [...messages.slice(5, 30), ofReply]
      const asked = ['c7', 'r:c8', 'c:none', '', ...wanted.flatMap((message) => idempotencyKey(message) ?? [])]
      const found = await subject.history.findByIdempotencyKeys(id, [...asked, ...asked])
      expect(found.sort((a, b) => a.sequence - b.sequence)).toStrictEqual(wanted)
      expect(await subject.history.findByIdempotencyKeys(createConversationId(), ['c:c1'])).toStrictEqual([])
      expect(await subject.history.findByIdempotencyKeys(id, [])).toStrictEqual([])
    })

    it('change in their metadata only', async () => {
      const id = createConversationId()
      const message = sampleMessage(id, 1, { metadata: { a: 1 } })
      await subject.history.insertMessages([message])
      const changed = await subject.history.updateMessageMetadata(message.id, { 'b.c': 'x' })
      expect(changed).toStrictEqual({ ...message, metadata: { 'b.c': 'x' } })
      expect(await readAll(id)).toStrictEqual([changed])
      expect(await subject.history.updateMessageMetadata(message.id, null)).toStrictEqual(sampleMessage(id, 1))
      expect(await subject.history.updateMessageMetadata(sampleMessage(id, 2).id, {})).toBeUndefined()
      expect(await subject.history.updateMessageMetadata('nonsense', {})).toBeUndefined()
    })
  })
}

/** As JSON says it, with its fields in the order in which they are read. */
function asStored(message: Message): Message {
  const { id, conversationId, branch, sequence, tokens, tokenStart, role, status, parts, createdAt } = message
  return { id, conversationId, branch, sequence, tokens, tokenStart, createdAt, role, status, parts }
}
