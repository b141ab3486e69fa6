import { expect } from 'vitest'
import type { BusyPolicy } from '../../../src/chat/begin/begin-reply.ts'
import type { ReplyEvent } from '../../../src/chat/follow/reply-event.ts'
import type { TokenCounter } from '../../../src/memory/tokens/token-counter.ts'
import { withTimeout } from '../../../src/with-timeout.ts'
import { collect, createReplyNode, never, OWNER, questionOf, type ReplyNode } from '../../support/reply-node.ts'
import { openSqliteWorld } from '../../support/reply-world.ts'
import { createEchoModel } from './echo-model.ts'
import { createFaults, type Fault } from './faulty-stores.ts'
import { PROTECTIONS, type Protection } from './protections.ts'
import { createReplyLedger } from './reply-ledger.ts'

/** Questions that are sent at once to two nodes, and what becomes of what these and a third one write. */
export interface Game {
  sends: Sent[]
  faults: Fault[]
}

/** The text of a question is its id. */
export interface Sent {
  node: 'A' | 'B'
  id: 'a' | 'b' | 'c'
  onBusy: BusyPolicy
}

const LIMITS = { leaseMs: 60_000, checkpointMs: 5, queueLimit: 10 }
/** More than a lease and the leeway for clocks. */
const PASSED_MS = 70_000
/** What takes so long never ends. */
const ENDED_WITHIN_MS = 60_000
/** Longer than the nodes wait for anything but for each other. */
const TICK_MS = 300

/**
 * Plays a game, without one of the protections or with all: sends everything, heals the stores, sends each question
 * once more to the third node, and lets stalled nodes go on. Resolves to the promises that were broken.
 */
export async function playGame({ sends, faults: planned }: Game, counter: TokenCounter, off?: Protection) {
  const world = await openSqliteWorld()
  let offsetMs = 0
  const now = () => Date.now() + offsetMs
  const passTime = () => {
    offsetMs += PASSED_MS
  }
  const faults = createFaults(planned, {
    passTime,
    sweep: () => nodes.C.replies.sweep(),
    mayStall: (node) => node !== 'C',
  })
  const ledger = createReplyLedger(world, now)
  const model = createEchoModel(() => faults.next('renew'))
  function startNode(name: string): ReplyNode {
    const faulty = faults.storesOf(name, ledger.stores)
    const stores = off === undefined ? faulty : PROTECTIONS[off](faulty)
    // The nodes share the counter, which each of them would close.
    return createReplyNode({ ...world, ...stores, now, counter: { ...counter, close: async () => {} } }, model, LIMITS)
  }
  const nodes = { A: startNode('A'), B: startNode('B'), C: startNode('C') }
  const { id } = (await nodes.C.memory.createConversation(OWNER, {}, 'FAIL')).conversation

  async function send({ node, id: name, onBusy }: Pick<Sent, 'id' | 'onBusy'> & { node: keyof typeof nodes }) {
    const events = await collect(await nodes[node].replies.send(OWNER, questionOf(id, name, { onBusy }), never))
    ledger.noteStream(name, events)
    return events.at(-1)
  }

  /** To an end that is one, whatever the answers to the first sends were. */
  async function sendAgain(name: Sent['id']): Promise<void> {
    const types: ReplyEvent['type'][] = ['ReplyCompleted', 'ReplyInterrupted', 'ReplyFailed']
    await expect.poll(async () => (await send({ node: 'C', id: name, onBusy: 'QUEUE' }))?.type).toBeOneOf(types)
  }

  const ticks = setInterval(faults.tick, TICK_MS)
  try {
    const streams = sends.map((sent) => ({ done: send(sent), stalled: faults.stalled(sent.node) }))
    await withTimeout(Promise.all(streams.map(({ done, stalled }) => Promise.race([done, stalled]))), ENDED_WITHIN_MS)
    faults.heal()
    const names = [...new Set(sends.map((sent) => sent.id))]
    // A node that stalled has lost its leases by then, and so has one that does not know that it is to run a reply.
    if (off !== undefined || planned.some(({ fate }) => fate === 'STALLED')) passTime()
    for (const name of names) await withTimeout(sendAgain(name), ENDED_WITHIN_MS)
    await expect.poll(() => world.records.findActive(OWNER, id)).toBeUndefined()
    await ledger.check(id, names)
    faults.resume()
    await withTimeout(Promise.all(streams.map(({ done }) => done)), ENDED_WITHIN_MS)
    await ledger.check(id, names)
    return ledger.broken
  } finally {
    clearInterval(ticks)
    faults.resume()
    await Promise.all(Object.values(nodes).map((node) => node.stop()))
    await world.close()
  }
}
