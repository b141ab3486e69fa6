import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTextJoiner } from '../../../src/chat/model/text-joiner.ts'
import { mixedTexts } from '../../support/texts.ts'

test('joins deltas cut anywhere to the same text, and never gives half a character', () => {
  fc.assert(
    fc.property(mixedTexts(8), fc.array(fc.nat(6)), (text, sizes) => {
      const emitted: string[] = []
      const joiner = createTextJoiner((piece) => emitted.push(piece))
      for (const delta of cut(text, sizes)) joiner.push(delta)
      joiner.flush()
      expect(emitted.every((piece) => piece !== '' && piece.isWellFormed())).toBe(true)
      expect(emitted.join('')).toBe(text.toWellFormed())
    }),
  )
})

function cut(text: string, sizes: readonly number[]): string[] {
  const deltas: string[] = []
  let from = 0
  for (const size of sizes) {
    deltas.push(text.slice(from, from + size))
    from += size
  }
  return [...deltas, text.slice(from)]
}
