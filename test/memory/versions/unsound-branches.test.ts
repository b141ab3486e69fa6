import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ConversationUnreadableError } from '../../../src/errors.ts'
import type { Branch } from '../../../src/memory/conversation.ts'
import {
  divergence,
  isOnPath,
  lastUsedBranch,
  pathSegments,
  versionsAt,
} from '../../../src/memory/versions/branches.ts'
import { sampleConversation } from '../history/stored-samples.ts'

const branch = (id: string, parent: string, atSequence: number, tokenStart = atSequence * 10): Branch => {
  return { id, parent, atSequence, tokenStart }
}

test.each<[string, Branch[], string?]>([
  ['a branch is its own parent', [branch('a', 'a', 2)]],
  ['two branches are parents of each other', [branch('a', 'b', 2), branch('b', 'a', 3)]],
  ['a parent is missing', [branch('a', 'gone', 2)]],
  ['a branch is listed twice', [branch('a', '0', 2), branch('a', '0', 3)]],
  ['a branch is the root', [branch('0', '0', 1)]],
  ['a branch begins before its parent', [branch('a', '0', 5), branch('b', 'a', 4)]],
  ['a branch begins where its parent does', [branch('a', '0', 5), branch('b', 'a', 5)]],
  ['a branch begins with fewer tokens than its parent', [branch('a', '0', 5), branch('b', 'a', 6, 1)]],
  ['a branch begins at no number', [branch('a', '0', Number.NaN)]],
  ['a branch begins at half a message', [branch('a', '0', 1.5)]],
  ['a branch begins before the first message', [branch('a', '0', 0)]],
  ['the active branch is not listed', [branch('b', '0', 2)], 'a'],
])('where %s, the conversation is unreadable, whatever path is read', (_, branches, activeBranch = 'a') => {
  const conversation = sampleConversation({ branches, activeBranch })
  for (const read of [
    () => pathSegments(conversation, 'a'),
    () => pathSegments(conversation, '0'),
    () => divergence(conversation, '0', 'a'),
    () => isOnPath(conversation, 'a', { branch: 'a', sequence: 2 }),
  ]) {
    expect(read).toThrow(ConversationUnreadableError)
  }
})

test('no list of branches keeps a walk from its end, and none that is taken has a gap or an overlap', () => {
  const id = fc.constantFrom('0', 'a', 'b', 'c', 'd')
  const number = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 6 }) }, fc.double())
  const anyBranch = fc.record({ id, parent: id, atSequence: number, tokenStart: number })
  fc.assert(
    fc.property(fc.array(anyBranch, { maxLength: 5 }), id, id, (branches, activeBranch, other) => {
      const conversation = sampleConversation({ branches, activeBranch })
      const place = { conversationId: conversation.id, branch: other, sequence: 2 }
      versionsAt(conversation, place)
      lastUsedBranch(conversation, place)
      try {
        const segments = pathSegments(conversation, activeBranch)
        expect(segments.at(-1)?.fromSequence).toBe(1)
        for (const [index, { fromSequence }] of segments.slice(0, -1).entries()) {
          expect(segments[index + 1]?.belowSequence).toBe(fromSequence)
        }
      } catch (error) {
        expect(error).toBeInstanceOf(ConversationUnreadableError)
      }
    }),
    { numRuns: 2_000 },
  )
})
