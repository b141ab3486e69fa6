import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Role } from '../../../src/memory/message.ts'
import { type ContextCut, cutWindow, lowestTokenStart, type WindowRequest } from '../../../src/memory/read/window.ts'

const roles: Role[] = ['USER', 'ASSISTANT', 'TOOL', 'SYSTEM']
const drafts = fc.array(fc.record({ tokens: fc.integer({ min: 4, max: 60 }), role: fc.constantFrom(...roles) }), {
  maxLength: 40,
})
const turnRoles: Role[] = ['USER', 'ASSISTANT', 'TOOL', 'TOOL']
const requests: fc.Arbitrary<WindowRequest> = fc.record({
  maxTokens: fc.integer({ min: 1, max: 800 }),
  startOn: fc.constantFrom('ANY', 'USER'),
  anchor: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.5, noNaN: true }), fc.constantFrom(0.25, 0.5, 1 / 3)),
})

describe('the window', () => {
  test('is what a slow model finds that sums from the front', () => {
    fc.assert(
      fc.property(drafts, requests, (messages, request) => {
        const path = placed(messages)
        const { entries, ...report } = cutWindow(path, headOf(path), request)
        expect({ kept: entries.length, ...report }).toEqual(slowWindow(messages, request))
      }),
      { numRuns: 5_000 },
    )
  })

  test('is the same when its reader held only the entries from the lowest token start on', () => {
    fc.assert(
      fc.property(drafts, requests, (messages, request) => {
        const path = placed(messages)
        const head = headOf(path)
        const held = path.filter(({ tokenStart }) => tokenStart >= lowestTokenStart(head, request.maxTokens))
        expect(cutWindow(held, head, request)).toEqual(cutWindow(path, head, request))
      }),
      { numRuns: 2_000 },
    )
  })

  test('never exceeds the budget, never begins with a tool result, and accounts for every token', () => {
    fc.assert(
      fc.property(drafts, requests, (messages, request) => {
        const path = placed(messages)
        const window = cutWindow(path, headOf(path), request)
        expect(window.tokenCount).toBeLessThanOrEqual(request.maxTokens)
        expect(window.entries[0]?.role).not.toBe('TOOL')
        if (request.startOn === 'USER' && window.entries.length > 0) expect(window.entries[0]?.role).toBe('USER')
        expect(window.tokenCount + window.omittedTokens).toBe(headOf(path).tokens)
        expect(window.entries.length + window.omittedCount).toBe(path.length)
      }),
      { numRuns: 2_000 },
    )
  })

  test('with an anchor begins at the same message while a quarter of the budget is added', () => {
    const path = placed(Array.from({ length: 400 }, () => ({ tokens: 10, role: 'USER' as const })))
    const request = { maxTokens: 1_000, startOn: 'ANY', anchor: 0.25 } as const
    const begins = path.slice(150).map((_, index) => {
      const known = path.slice(0, 151 + index)
      return cutWindow(known, headOf(known), request).entries[0]?.sequence
    })
    const moves = begins.filter((begin, index) => index > 0 && begin !== begins[index - 1])
    expect(moves).toEqual([101, 126, 151, 176, 201, 226, 251, 276, 301])
  })

  test('with an anchor whose steps end at the bound is cut no further, whatever the rounding', () => {
    const tokens = [18, 44, 38, 48, 43, 24, 39, 25, 20, 57]
    const path = placed(tokens.map((each) => ({ tokens: each, role: 'USER' as const })))
    const { entries, cut } = cutWindow(path, headOf(path), { maxTokens: 178, startOn: 'ANY', anchor: 1 / 3 })
    expect({ kept: entries.length, cut }).toEqual({ kept: 5, cut: 'BUDGET' })
  })

  test('keeps the newest turn whenever it fits the budget, however large the anchor step is', () => {
    fc.assert(
      fc.property(drafts, requests, (messages, request) => {
        const path = placed(messages)
        const fits = (from: number) => costOf(path.slice(from)) <= request.maxTokens
        const question = path.findLastIndex(({ role }) => role === 'USER')
        const begin =
          question >= 0 && fits(question) ? question : path.findLastIndex((entry) => canBegin(entry, request))
        fc.pre(begin >= 0 && fits(begin))
        const turn = path.slice(begin)
        expect(cutWindow(path, headOf(path), request).entries.slice(-turn.length)).toEqual(turn)
      }),
      { numRuns: 2_000 },
    )
  })

  test.each(['ANY', 'USER'] as const)('with an anchor keeps a call beside its large results, on %s', (startOn) => {
    const turn = [40, 10, 300, 300].map((tokens, index) => ({ tokens, role: turnRoles[index] ?? ('TOOL' as const) }))
    const earlier = Array.from({ length: 19 }, () => ({ tokens: 100, role: 'USER' as const }))
    const path = placed([{ tokens: 40, role: 'USER' }, ...earlier, ...turn])
    const { entries, cut } = cutWindow(path, headOf(path), { maxTokens: 1_000, startOn, anchor: 0.5 })
    expect({ roles: entries.map(({ role }) => role), cut }).toEqual({ roles: turnRoles, cut: 'ANCHOR' })
  })

  test('with an anchor keeps the question of a turn of many rounds that fits, and leaves it where it does not', () => {
    const rounds = Array.from({ length: 6 }, () => [
      { tokens: 20, role: 'ASSISTANT' as const },
      { tokens: 425, role: 'TOOL' as const },
    ]).flat()
    const earlier = Array.from({ length: 24 }, (_, index) => ({ tokens: 35, role: turnRoles[index % 2] ?? 'USER' }))
    const path = placed([...earlier, { tokens: 30, role: 'USER' }, ...rounds])
    const rolesAt = (maxTokens: number) =>
      cutWindow(path, headOf(path), { maxTokens, startOn: 'ANY', anchor: 0.25 }).entries.map(({ role }) => role)
    expect(rolesAt(2_700)).toEqual(['USER', ...rounds.map(({ role }) => role)])
    expect(rolesAt(2_699)).toEqual(rounds.slice(4).map(({ role }) => role))
  })

  test('without room for the call of the newest results is empty, and says so', () => {
    const path = placed([{ tokens: 10, role: 'USER' }, ...turnRoles.slice(1).map((role) => ({ tokens: 10, role }))])
    const window = cutWindow(path, headOf(path), { maxTokens: 29, startOn: 'ANY', anchor: 0 })
    expect(window).toMatchObject({ entries: [], tokenCount: 0, omittedCount: 4, cut: 'TURN' })
  })

  test.each([
    { cut: 'NONE', maxTokens: 100, startOn: 'ANY', anchor: 0.25, roles: 'ua' },
    { cut: 'BUDGET', maxTokens: 25, startOn: 'ANY', anchor: 0, roles: 'uaua' },
    { cut: 'ANCHOR', maxTokens: 40, startOn: 'ANY', anchor: 0.5, roles: 'uauaua' + 'u' },
    { cut: 'TURN', maxTokens: 25, startOn: 'ANY', anchor: 0, roles: 'uatu' },
    { cut: 'TURN', maxTokens: 100, startOn: 'USER', anchor: 0, roles: 'aua' },
    { cut: 'TURN', maxTokens: 100, startOn: 'USER', anchor: 0, roles: 'aa' },
    { cut: 'OVERSIZE', maxTokens: 9, startOn: 'ANY', anchor: 0, roles: 'ua' },
  ] as const)(
    'says $cut for $roles at $maxTokens tokens, anchor $anchor, on $startOn',
    ({ cut, roles, ...request }) => {
      const letters: Record<string, Role> = { u: 'USER', a: 'ASSISTANT', t: 'TOOL' }
      const path = placed([...roles].map((letter) => ({ tokens: 10, role: letters[letter] ?? 'USER' })))
      expect(cutWindow(path, headOf(path), request).cut).toBe(cut)
    },
  )

  test('of an empty conversation is empty and nothing is omitted', () => {
    const window = cutWindow([], { sequence: 0, tokens: 0 }, { maxTokens: 10, startOn: 'ANY', anchor: 0 })
    expect(window).toEqual({ entries: [], tokenCount: 0, omittedCount: 0, omittedTokens: 0, cut: 'NONE' })
  })
})

interface Draft {
  tokens: number
  role: Role
}

function placed(messages: readonly Draft[]) {
  let tokenStart = 0
  return messages.map((message, index) => {
    const entry = { ...message, sequence: index + 1, tokenStart }
    tokenStart += message.tokens
    return entry
  })
}

function headOf(path: ReturnType<typeof placed>) {
  const newest = path.at(-1)
  return newest === undefined
    ? { sequence: 0, tokens: 0 }
    : { sequence: newest.sequence, tokens: newest.tokenStart + newest.tokens }
}

function costOf(entries: readonly Pick<Draft, 'tokens'>[]): number {
  return entries.reduce((sum, { tokens }) => sum + tokens, 0)
}

function canBegin({ role }: Pick<Draft, 'role'>, { startOn }: Pick<WindowRequest, 'startOn'>): boolean {
  return startOn === 'USER' ? role === 'USER' : role !== 'TOOL'
}

/** Without positions: tries every beginning, the longest window first, and sums each from the front. */
function slowWindow(messages: readonly Draft[], { maxTokens, startOn, anchor }: WindowRequest) {
  const sum = (some: readonly Draft[]) => some.reduce((total, { tokens }) => total + tokens, 0)
  const total = sum(messages)
  const newest = messages.at(-1)
  const report = (begin: number, cut: ContextCut) => {
    const omittedTokens = sum(messages.slice(0, begin))
    const kept = messages.length - begin
    return { kept, tokenCount: total - omittedTokens, omittedCount: begin, omittedTokens, cut }
  }
  if (newest !== undefined && newest.tokens > maxTokens) return report(messages.length, 'OVERSIZE')
  let byBudget = 0
  while (sum(messages.slice(byBudget)) > maxTokens) byBudget += 1
  let byAnchor = byBudget
  const step = anchor * maxTokens
  if (step >= 1 && total > maxTokens) {
    let bound = 0
    for (let steps = Math.floor((total - maxTokens) / step); bound < total - maxTokens - step * 1e-9; steps += 1) {
      bound = steps * step
    }
    const lastQuestion = messages.findLastIndex(({ role }) => role === 'USER')
    const lastBegin = messages.findLastIndex((message) => canBegin(message, { startOn }))
    const lastTurn = lastQuestion >= byBudget ? lastQuestion : lastBegin
    while (byAnchor < lastTurn && sum(messages.slice(0, byAnchor)) < bound) byAnchor += 1
  }
  let begin = byAnchor
  while (begin < messages.length && !canBegin(messages[begin] as Draft, { startOn })) begin += 1
  if (begin === 0) return report(0, 'NONE')
  return report(begin, begin > byAnchor ? 'TURN' : byAnchor > byBudget ? 'ANCHOR' : 'BUDGET')
}
