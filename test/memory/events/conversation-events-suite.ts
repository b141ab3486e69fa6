import { setImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ConversationChange, ConversationEvents } from '../../../src/memory/events/conversation-events.ts'
import { createConversationId } from '../../../src/memory/ids.ts'
import { createEventReader, type EventReader, followed, idsOf, WAIT } from '../../support/event-reader.ts'

/** Bounds that every set of nodes under this suite has. */
export const SUITE_LIMITS = { logEvents: 100, bufferEvents: 100, pollMs: 3_600_000 }
/** A Redis Stream is trimmed by whole nodes of 100 entries. */
const FAR_TOO_MANY = 500

export interface EventNodes {
  nodes: ConversationEvents[]
  stop(): Promise<void>
}

/** What every implementation promises; `start` makes the nodes that share one store. */
export function describeConversationEvents(name: string, start: () => Promise<EventNodes>): void {
  describe(name, () => {
    let running: EventNodes
    let id: string
    beforeAll(async () => {
      running = await start()
    })
    afterAll(() => running.stop())

    function node(index: number): ConversationEvents {
      const found = running.nodes[index % running.nodes.length]
      if (found === undefined) throw new Error('No nodes')
      return found
    }

    /** A subscriber that is known to follow: it has its first cursor. */
    async function follow(index: number): Promise<{ reader: EventReader; cursor: string }> {
      const reader = createEventReader(node(index), id, 'from before')
      const [reset] = await reader.take(1)
      return { reader, cursor: reset?.cursor ?? '' }
    }

    function eachTest(title: string, run: () => Promise<void>): void {
      test(title, async () => {
        id = createConversationId()
        await run()
      })
    }

    eachTest('a subscriber gets what is published from now on, in order', async () => {
      await node(0).publish(id, appended('a'))
      const reader = createEventReader(node(0), id)
      await node(0).publish(id, [...appended('b'), { type: 'ConversationChanged' }])
      await node(0).publish(id, [{ type: 'ReplyBegan', replyId: 'c' }])
      expect(await reader.take(3)).toMatchObject([
        { type: 'MessageAppended', messageId: 'b' },
        { type: 'ConversationChanged' },
        { type: 'ReplyBegan', replyId: 'c' },
      ])
      reader.abort()
    })

    eachTest('every node tells the same events with the same cursors', async () => {
      const { reader: first } = await follow(0)
      const { reader: second } = await follow(1)
      await node(0).publish(id, appended('a', 'b'))
      await node(1).publish(id, appended('c'))
      const taken = (await first.take(4)).slice(1)
      expect(idsOf(taken)).toEqual(['a', 'b', 'c'])
      expect((await second.take(4)).slice(1)).toEqual(taken)
      expect(new Set(taken.map(({ cursor }) => cursor)).size).toBe(3)
      first.abort()
      second.abort()
    })

    eachTest('conversations do not hear of each other', async () => {
      const { reader } = await follow(0)
      await node(0).publish(createConversationId(), appended('elsewhere'))
      await node(0).publish(id, appended('here'))
      expect(idsOf(await reader.take(2))).toEqual(['ConversationReset', 'here'])
      reader.abort()
    })

    eachTest('subscribing after a cursor gives exactly what came next, on any node', async () => {
      const { reader } = await follow(0)
      await node(0).publish(id, appended('a', 'b', 'c'))
      const cursors = (await reader.take(4)).map(({ cursor }) => cursor)
      reader.abort()
      await node(0).publish(id, appended('d'))
      for (const [index, cursor] of cursors.entries()) {
        const resumed = createEventReader(node(index), id, cursor)
        const expected = ['a', 'b', 'c', 'd'].slice(index)
        expect(idsOf(await resumed.take(expected.length))).toEqual(expected)
        resumed.abort()
      }
    })

    eachTest('the cursor of a reset can be resumed though nothing came yet', async () => {
      const { reader, cursor } = await follow(0)
      reader.abort()
      await node(1).publish(id, appended('a'))
      const resumed = createEventReader(node(1), id, cursor)
      expect(idsOf(await resumed.take(1))).toEqual(['a'])
      resumed.abort()
    })

    eachTest('a stream begins with a heartbeat, whose cursor can be resumed', async () => {
      const reader = createEventReader(node(0), id)
      await expect.poll(() => reader.heartbeat, WAIT).toBeDefined()
      expect(reader.received).toEqual([])
      reader.abort()
      await node(1).publish(id, appended('a'))
      const resumed = createEventReader(node(1), id, reader.heartbeat)
      expect(idsOf(await resumed.take(1))).toEqual(['a'])
      expect(resumed.heartbeat).toBeUndefined()
      resumed.abort()
    })

    eachTest('a cursor that was read is where a subscriber goes on, on any node', async () => {
      const other = createConversationId()
      const [cursor] = await node(0).readCursors([followed(id), followed(other)])
      await node(1).publish(id, appended('a'))
      const [later] = await node(1).readCursors([followed(id)])
      await node(0).publish(id, appended('b'))
      const readers = [createEventReader(node(1), id, cursor), createEventReader(node(0), id, later)]
      expect(idsOf((await readers[0]?.take(2)) ?? [])).toEqual(['a', 'b'])
      expect(idsOf((await readers[1]?.take(1)) ?? [])).toEqual(['b'])
      for (const reader of readers) reader.abort()
    })

    for (const cursor of ['', 'garbage', '1-1', '0-0', '9999999999999999-999999999999999', '-1', "1-1' OR 1"]) {
      eachTest(`a cursor ${JSON.stringify(cursor)} gives one reset and then what comes`, async () => {
        const reader = createEventReader(node(0), id, cursor)
        await reader.take(1)
        await node(1).publish(id, appended('a'))
        expect(idsOf(await reader.take(2))).toEqual(['ConversationReset', 'a'])
        reader.abort()
      })
    }

    eachTest('a cursor that was never given, ahead of the log, gives a reset', async () => {
      const { reader, cursor } = await follow(0)
      const resumed = createEventReader(node(1), id, cursor.replace(/-\d+$/, '-7'))
      expect(idsOf(await resumed.take(1))).toEqual(['ConversationReset'])
      reader.abort()
      resumed.abort()
    })

    eachTest('a cursor of another conversation gives a reset', async () => {
      const { reader, cursor } = await follow(0)
      reader.abort()
      id = createConversationId()
      const other = createEventReader(node(0), id, cursor)
      expect(idsOf(await other.take(1))).toEqual(['ConversationReset'])
      other.abort()
    })

    eachTest('a cursor that is too old gives one reset, whose cursor can be resumed', async () => {
      const { reader, cursor } = await follow(0)
      reader.abort()
      for (let count = 0; count < FAR_TOO_MANY; count += 50) await node(0).publish(id, appended(...numbers(50)))
      const late = createEventReader(node(1), id, cursor)
      const [reset] = await late.take(1)
      expect(reset?.type).toBe('ConversationReset')
      late.abort()
      await node(0).publish(id, appended('next'))
      const resumed = createEventReader(node(0), id, reset?.cursor)
      expect(idsOf(await resumed.take(1))).toEqual(['next'])
      resumed.abort()
    })

    eachTest('the stream ends after the conversation was deleted, also when it is resumed', async () => {
      const { reader, cursor } = await follow(1)
      await node(0).publish(id, [...appended('a'), { type: 'ConversationDeleted' }])
      expect(idsOf(await reader.untilEnd())).toEqual(['ConversationReset', 'a', 'ConversationDeleted'])
      const resumed = createEventReader(node(0), id, cursor)
      expect(idsOf(await resumed.untilEnd())).toEqual(['a', 'ConversationDeleted'])
    })

    eachTest('an abort ends a waiting subscriber in the same tick', async () => {
      const controller = new AbortController()
      const iterator = node(0).subscribe(followed(id), undefined, controller.signal)[Symbol.asyncIterator]()
      await iterator.next()
      const waiting = [iterator.next(), iterator.next()]
      controller.abort()
      const tick = setImmediate('a tick later')
      expect(await Promise.race([Promise.all(waiting), tick])).toEqual([DONE, DONE])
      expect(await iterator.next()).toEqual(DONE)
    })

    eachTest('an abort drops what waits for the subscriber', async () => {
      const controller = new AbortController()
      const iterator = node(0).subscribe(followed(id), undefined, controller.signal)[Symbol.asyncIterator]()
      const { reader } = await follow(0)
      await node(0).publish(id, [...appended('a', 'b'), { type: 'ConversationDeleted' }])
      await reader.untilEnd()
      expect(await iterator.next()).toMatchObject({ value: { type: 'ConversationHeartbeat' } })
      expect(await iterator.next()).toMatchObject({ value: { messageId: 'a' } })
      controller.abort()
      expect(await iterator.next()).toEqual(DONE)
    })

    eachTest('a subscriber that returns ends in the same tick, and one that never began too', async () => {
      const { signal } = new AbortController()
      const iterator = node(0).subscribe(followed(id), undefined, signal)[Symbol.asyncIterator]()
      await iterator.next()
      const waiting = iterator.next()
      expect(await iterator.return?.()).toEqual(DONE)
      expect(await Promise.race([waiting, setImmediate('a tick later')])).toEqual(DONE)
      expect(await iterator.next()).toEqual(DONE)
      const never = node(0).subscribe(followed(id), undefined, AbortSignal.abort())
      expect(await never[Symbol.asyncIterator]().next()).toEqual(DONE)
    })

    eachTest('a slow subscriber gets a reset in place of what it let wait, and the rest without a gap', async () => {
      const { signal } = new AbortController()
      const { reader: witness, cursor } = await follow(1)
      const slow = node(1).subscribe(followed(id), cursor, signal)[Symbol.asyncIterator]()
      await node(0).publish(id, appended('read'))
      expect(await slow.next()).toMatchObject({ value: { messageId: 'read' } })
      const names = numbers(SUITE_LIMITS.bufferEvents + 10)
      for (const name of names) await node(0).publish(id, appended(name))
      const taken = (await witness.take(names.length + 2)).slice(2)
      const lost = taken[SUITE_LIMITS.bufferEvents - 1]
      expect(await slow.next()).toEqual({ done: false, value: { type: 'ConversationReset', cursor: lost?.cursor } })
      for (const value of taken.slice(SUITE_LIMITS.bufferEvents))
        expect(await slow.next()).toEqual({ done: false, value })
      await slow.return?.()
      witness.abort()
    })

    eachTest('a resume while publishing goes on has no gap and no duplicate', async () => {
      const { reader, cursor } = await follow(0)
      const publishing = Promise.all(numbers(40).map((name) => node(Number(name)).publish(id, appended(name))))
      const resumed = Array.from({ length: 8 }, (_, index) => createEventReader(node(index), id, cursor))
      await publishing
      const taken = (await reader.take(41)).slice(1)
      for (const other of resumed) {
        expect(await other.take(40)).toEqual(taken)
        other.abort()
      }
      reader.abort()
    })

    eachTest('any chain of resumes gives exactly what was published', async () => {
      await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), runChains), { numRuns: 40 })
    })

    /** Publishes, subscribes, aborts and resumes in any order on any node; chains must match a reader of it all. */
    async function runChains(steps: Step[]): Promise<void> {
      id = createConversationId()
      const { reader: whole, cursor } = await follow(0)
      const chains: Chain[] = [{ cursor, got: [] }]
      const publishing: Promise<void>[] = []
      let published = 0
      for (const { kind, at, which, wait } of steps) {
        const chain = chains[which % chains.length]
        if (kind === 'publish') {
          const names = Array.from({ length: which + 1 }, () => String(published++))
          publishing.push(node(at).publish(id, appended(...names)))
        } else if (kind === 'fork' && chain) chains.push({ cursor: chain.cursor, got: [...chain.got] })
        else if (chain?.reader) leaveChain(chain)
        else if (chain) chain.reader = createEventReader(node(at), id, chain.cursor)
        if (wait) await setImmediate()
      }
      await Promise.all(publishing)
      const taken = idsOf((await whole.take(published + 1)).slice(1))
      expect(taken.toSorted()).toEqual(Array.from({ length: published }, (_, index) => String(index)).toSorted())
      for (const chain of chains) {
        if (chain.reader) leaveChain(chain)
        const last = createEventReader(node(0), id, chain.cursor)
        expect([...chain.got, ...idsOf(await last.take(published - chain.got.length))]).toEqual(taken)
        last.abort()
      }
      whole.abort()
    }
  })
}

const DONE = { done: true, value: undefined }

const step = fc.record({
  kind: fc.constantFrom('publish', 'publish', 'toggle', 'toggle', 'fork'),
  at: fc.nat(3),
  which: fc.nat(2),
  wait: fc.boolean(),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

interface Chain {
  cursor: string
  got: string[]
  reader?: EventReader
}

function leaveChain(chain: Chain): void {
  const { received = [] } = chain.reader ?? {}
  chain.reader?.abort()
  delete chain.reader
  chain.got.push(...idsOf(received))
  chain.cursor = received.at(-1)?.cursor ?? chain.cursor
}

function appended(...messageIds: string[]): ConversationChange[] {
  return messageIds.map((messageId) => ({ type: 'MessageAppended', messageId }))
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index))
}
