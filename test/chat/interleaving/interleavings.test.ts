import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import type { BusyPolicy } from '../../../src/chat/begin/begin-reply.ts'
import { createTokenCounter } from '../../../src/memory/tokens/token-counter.ts'
import { FATES, type Fault, WRITES } from './faulty-stores.ts'
import type { Protection } from './protections.ts'
import { type Game, playGame, type Sent } from './reply-game.ts'

const sends: fc.Arbitrary<Sent> = fc.record({
  node: fc.constantFrom<'A' | 'B'>('A', 'B'),
  id: fc.constantFrom<'a' | 'b' | 'c'>('a', 'b', 'c'),
  onBusy: fc.constantFrom<BusyPolicy>('REJECT', 'SUPERSEDE', 'QUEUE'),
})
/** Only renewals come late: what else a driver tries again it does within the lease. */
const faults: fc.Arbitrary<Fault> = fc
  .record({ write: fc.constantFrom(...WRITES), fate: fc.constantFrom('ANSWERED' as const, ...FATES) })
  .filter(({ write, fate }) => fate !== 'LATE' || write === 'renew')
const games: fc.Arbitrary<Game> = fc.record({
  sends: fc.array(sends, { minLength: 1, maxLength: 4 }),
  faults: fc.array(faults, { maxLength: 20, size: 'max' }),
})

const GAMES = 200
/** A game that never ends is shrunk so long at most. */
const GAMES_MS = 500_000

/** For each protection a game that breaks a promise without it; with all of them the property plays it too. */
const FOUND: Record<Protection, Game & { breaks: string }> = {
  'seal before append': {
    sends: [{ node: 'A', id: 'a', onBusy: 'REJECT' }],
    faults: [{ write: 'seal', fate: 'PAUSED' }],
    breaks: 'the reply to a ended as INTERRUPTED NODE_LOST, and its message is COMPLETE',
  },
  'phase in the filter': {
    sends: [{ node: 'A', id: 'a', onBusy: 'REJECT' }],
    faults: [{ write: 'seal', fate: 'PAUSED' }],
    breaks: 'a reply ended as INTERRUPTED NODE_LOST, then as COMPLETED',
  },
  'beat in the takeover': {
    sends: [{ node: 'A', id: 'c', onBusy: 'REJECT' }],
    faults: [
      { write: 'renew', fate: 'PAUSED' },
      { write: 'takeOver', fate: 'SLOW' },
    ],
    breaks: 'a reply is taken over while its lease holds',
  },
  'beat in the renewal': {
    sends: [{ node: 'A', id: 'b', onBusy: 'REJECT' }],
    faults: [{ write: 'renew', fate: 'LATE' }],
    breaks: 'the saved text "to a" fell back to "to "',
  },
  'r: key': {
    sends: [{ node: 'A', id: 'a', onBusy: 'REJECT' }],
    faults: [{ write: 'end', fate: 'PAUSED' }],
    breaks: 'question a has 2 answers',
  },
  'append before ENDED': {
    sends: [{ node: 'A', id: 'a', onBusy: 'REJECT' }],
    faults: [{ write: 'answer', fate: 'FAILED' }],
    breaks: 'the reply to a ended as COMPLETED, and its message is undefined',
  },
  'finisher stores the question': {
    sends: [{ node: 'A', id: 'a', onBusy: 'REJECT' }],
    faults: [{ write: 'question', fate: 'STALLED' }],
    breaks: 'question a is stored 0 times',
  },
  'emit gate': {
    sends: [{ node: 'A', id: 'a', onBusy: 'REJECT' }],
    faults: [{ write: 'question', fate: 'FAILED' }],
    breaks: 'question a is stored 0 times',
  },
  'clientMessageId kept after the end': {
    sends: [{ node: 'A', id: 'a', onBusy: 'REJECT' }],
    faults: [],
    breaks: 'question a has 2 answers',
  },
  'an own RUN is run': {
    sends: [
      { node: 'A', id: 'a', onBusy: 'REJECT' },
      { node: 'A', id: 'b', onBusy: 'QUEUE' },
    ],
    faults: [{ write: 'promote', fate: 'LOST' }],
    breaks: 'b was told that it never ran',
  },
  'STOP at beat 0 is uncertain': {
    sends: [
      { node: 'A', id: 'a', onBusy: 'REJECT' },
      { node: 'B', id: 'b', onBusy: 'SUPERSEDE' },
      { node: 'B', id: 'a', onBusy: 'QUEUE' },
    ],
    faults: [
      { write: 'claim', fate: 'LOST' },
      { write: 'withdraw', fate: 'SLOW' },
    ],
    breaks: 'a was told that its conversation is gone',
  },
}
const found = Object.entries(FOUND).map(([name, game]) => ({ ...game, protection: name as Protection }))

const counter = createTokenCounter()
afterAll(() => counter.close())

test(
  'whatever becomes of writes, each question is stored once, answered once, and told the truth',
  async () => {
    await fc.assert(
      fc.asyncProperty(games, async (game) => {
        expect(await playGame(game, counter)).toEqual([])
      }),
      {
        numRuns: GAMES,
        interruptAfterTimeLimit: GAMES_MS,
        examples: found.map(({ sends, faults }) => [{ sends, faults }]),
      },
    )
  },
  2 * GAMES_MS,
)

test.each(found)('without $protection a game breaks a promise', async ({ protection, breaks, ...game }) => {
  expect(await playGame(game, counter, protection)).toContain(breaks)
})
