import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createSaidReader, createSaidWriter, type SaidType } from '../../../src/chat/log/said-stream.ts'

const anyText = fc.string({ unit: fc.constantFrom('a', '😀', '\ufdd0', '\ufdd1', '\ufdd2'), minLength: 1 })

test('text and thoughts come out of a log as they went in, wherever it is cut', () => {
  const saidInTurn = fc.array(fc.tuple(fc.constantFrom<SaidType>('text', 'reasoning'), anyText))
  fc.assert(
    fc.property(saidInTurn, fc.nat(7), (said, size) => {
      const writer = createSaidWriter()
      let log = ''
      for (const [type, text] of said) {
        const written = writer.write(type, text)
        expect(written.offset).toBe(log.length)
        log += written.text
      }
      const read = { text: '', reasoning: '' }
      const reader = createSaidReader((type, offset, text) => {
        expect(offset).toBe(read[type].length)
        read[type] += text
      })
      for (let from = 0; from < log.length; from += size + 1) reader.read(log.slice(from, from + size + 1))
      const whole = (wanted: SaidType) => said.map(([type, text]) => (type === wanted ? text : '')).join('')
      expect(read).toEqual({ text: whole('text'), reasoning: whole('reasoning') })
    }),
  )
})

test('a log without thoughts is the text itself', () => {
  const writer = createSaidWriter()
  expect(writer.write('text', 'Hi')).toEqual({ offset: 0, text: 'Hi' })
  expect(writer.write('text', '!')).toEqual({ offset: 2, text: '!' })
})
