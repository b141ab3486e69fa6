import fc from 'fast-check'

const SCRIPTS: readonly (readonly [first: number, last: number])[] = [
  [0x20, 0x7e],
  [0xa0, 0x24f],
  [0x300, 0x36f],
  [0x370, 0x3ff],
  [0x400, 0x4ff],
  [0x590, 0x6ff],
  [0x900, 0x97f],
  [0xe00, 0xe7f],
  [0x2000, 0x206f],
  [0x3040, 0x30ff],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
  [0x1f300, 0x1faff],
  [0x20000, 0x2a6df],
]

const PIECES = [
  ' ',
  '  ',
  '\n',
  '\r\n',
  '\t',
  '\u00a0',
  '\u3000',
  '\ufeff',
  '\u0301',
  '\u200d',
  '\ud83d',
  '\udc69',
  '\ufffd',
  '\0',
  '👩‍👩‍👧',
  '🏳️‍🌈',
  "'s",
  "'LL",
  '123456',
  '//',
  '...',
  '!!',
  'the',
  ' Hello',
  'ǅ',
  '<|endoftext|>',
  '<|im_start|>',
  '{"a":1}',
]

/** Texts of many scripts, short runs of one character, and whatever tokenizers split on; some are not well-formed. */
export function mixedTexts(maxLength: number): fc.Arbitrary<string> {
  const character = fc
    .constantFrom(...SCRIPTS)
    .chain(([first, last]) => fc.integer({ min: first, max: last }))
    .map((codePoint) => String.fromCodePoint(codePoint))
  const word = fc
    .constantFrom(...SCRIPTS)
    .chain(([first, last]) => fc.array(fc.integer({ min: first, max: last }), { minLength: 1, maxLength: 12 }))
    .map((codePoints) => String.fromCodePoint(...codePoints))
  const run = fc.tuple(fc.oneof(character, fc.constantFrom(...PIECES)), fc.integer({ min: 1, max: 40 }))
  const piece = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...PIECES) },
    { weight: 4, arbitrary: word },
    { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
    { weight: 1, arbitrary: run.map(([unit, times]) => unit.repeat(times)) },
  )
  return fc.array(piece, { maxLength }).map((pieces) => pieces.join(''))
}

/** Prose, code, numbers and tables in several languages, never the same line twice. */
export function realisticText(length: number): string {
  const lines: string[] = []
  for (let line = 0, written = 0; written < length; line++) {
    const text = (LINES[line % LINES.length] ?? '').replaceAll('#', String((line * 7919) % 99_991))
    lines.push(text)
    written += text.length + 1
  }
  return lines.join('\n').slice(0, length)
}

const LINES = [
  'The order number # was refunded on Tuesday, but the customer (id #) still sees the old total.',
  'Die Bestellung # wurde storniert; die Rückerstattung über #,50 € dauert drei bis fünf Werktage.',
  '注文番号#の返金は完了しましたが、画面には古い合計が表示されています。',
  'Заказ № # отменён, но клиент по-прежнему видит старую сумму.',
  'تم إلغاء الطلب رقم # لكن العميل ما زال يرى المبلغ القديم.',
  '| # | pending | 2024-05-# | https://example.org/orders/#?view=full |',
  '',
  '```ts',
  'export async function refundOrder#(orderId: string, amountCents = #): Promise<Receipt> {',
  '    const order = await orders.findOne({ _id: orderId, version: # })',
  "    if (order === undefined) throw new NotFoundError('order', orderId)",
  '}',
  '```',
  '    at refundOrder# (/srv/app/build/orders-#.js:#:17) 0xdeadbeef# 🙂 a7f3c9e1-#-4b1d-9f2e-5d6c8a0b1e2f',
]
