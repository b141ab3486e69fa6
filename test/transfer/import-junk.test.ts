import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeMessage } from '../../src/transfer/openai/openai-message.ts'
import { arbitraryMessage } from '../support/arbitrary-conversation.ts'
import { replaceValue } from '../support/replace-value.ts'
import { startTransferStores, writeTestFile } from '../support/transfer-stores.ts'

test('whatever stands in the place of a value, the import ends with a report', async () => {
  const stores = await startTransferStores()
  await fc.assert(
    fc.asyncProperty(
      fc.array(arbitraryMessage(), { maxLength: 3 }),
      fc.jsonValue(),
      fc.nat(),
      async (drafts, junk, at) => {
        const whole = JSON.stringify({
          title: 'x',
          messages: drafts.map((message) => encodeMessage(message)),
          backscroll: { metadata: {} },
        })
        const path = await writeTestFile('junk.jsonl', JSON.stringify(replaceValue(JSON.parse(whole), junk, at)))
        const { conversations, refused } = await stores.importFile(path)
        expect(conversations + refused).toBe(1)
      },
    ),
    { numRuns: 300 },
  )
})

test.each(['a.json', 'a.jsonl'])('values of any depth in %s are refused as such', async (name) => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)
  const stores = await startTransferStores()
  const conversation = `{"messages":[{"role":"user","content":${deep}}]}`
  const path = await writeTestFile(name, name === 'a.json' ? `[${conversation}]` : conversation)
  // Which of the two depends on how deep the engine's own recursion goes.
  const errors = /nothing of it can be read|must be nested less deeply/
  expect((await stores.importFile(path)).errors).toEqual([expect.stringMatching(errors)])
})
