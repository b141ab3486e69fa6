import { join } from 'node:path'
import type { Node } from 'typescript/unstable/ast'
import { isCallExpression, isNewExpression, isRegularExpressionLiteral } from 'typescript/unstable/ast/is'
import { expect, onTestFinished, test } from 'vitest'
import { isLinearPattern } from './support/linear-pattern.ts'
import { openSourceProgram } from './support/source-program.ts'

/*
 * A pattern that takes the square of a text's length holds the event loop for seconds on a text of 100 KB.
 */

/** Patterns that are not linear for certain, and why none holds the event loop. */
const BOUNDED: ReadonlyMap<string, string> = new Map([
  ['src/chat/model/openai-error.ts: /\\b[\\w.-]{1,100}:\\d{2,5}\\b/g', 'The text is cut to 600 characters.'],
  [
    'src/chat/model/record/mask-content.ts: /\\b(?!(?:true|false|null|DONE)\\b)[a-z]+\\b/gi',
    'Linear: it begins where a word begins, and ends with it.',
  ],
  [
    'src/commands/transfer-command.ts: /^(mongodb[^/]*\\/\\/)(?:.*@)?([^/?]*).*$/s',
    'A setting, in a command that ends.',
  ],
  ['src/log-error.ts: /(\\/\\/[^\\s?]*)\\?\\S*/g', 'The text is cut to 2,000 characters.'],
  ['src/log-error.ts: /\\/\\/[^/\\s]*@/g', 'The text is cut to 2,000 characters.'],
  [
    'src/commands/print-dialects.ts: /(?<=<!-- rows: npm run dialects -->\\n).*(?=<!-- end of rows -->)/s',
    'Our own page, in a command that ends.',
  ],
  ['src/transport/graphiql-worker.ts: /<script>([\\s\\S]*?)<\\/script>/g', 'Our own page, made once.'],
  [
    'src/transfer/chatgpt/chatgpt-marks.ts: /\\ue200[^\\ue200\\ue201]{0,10000}\\ue201|\\ue200[\\w\\ue202]{0,1000}|[\\ue201-\\ue206]|【[^【】]{0,1000}】/g',
    'Linear: each repetition leaves out what a match begins with.',
  ],
  [
    'src/transfer/open-webui/open-webui-details.ts: /(\\w{1,40})="([^"]*)"/g',
    'Linear: a value ends with the next quote, and behind the last one no value begins.',
  ],
])

test('every pattern of the source takes the length of its text, or its text is bounded', () => {
  const program = openSourceProgram(join(import.meta.dirname, '..'))
  onTestFinished(() => program.close())
  const patterns = program.nodes.flatMap(({ file, node }) => patternsIn(node).map((text) => ({ file, text })))
  expect(patterns.length).toBeGreaterThan(50)
  const slow = patterns.filter(({ text }) => !text.startsWith('/') || !isLinearPattern(text))
  expect([...new Set(slow.map(({ file, text }) => `${file}: ${text}`))].toSorted()).toEqual(
    [...BOUNDED.keys()].toSorted(),
  )
})

test.each([
  ['/^a+$/', true],
  ['/a{1,20}b/', true],
  ['/[^a]{0,1000}/', true],
  ['/^a*b*|c/', true],
  ['/b+/', true],
  ['/^\\((\\d+)\\) x*$/', true],
  ['/a+$/', false],
  ['/^a+$/m', false],
  ['/a{1,1000}b/', false],
  ['/^a+a+$/', false],
  ['/^(?:a|a)*$/', false],
  ['/^(?:ab)*(?:ab)*$/', false],
  ['/ab[ab]*c/', false],
  ['/a(?=.*b)/', false],
  ['/x|\\s+$/', false],
  ['/\\b[a-z][a-z0-9+.-]*:\\/\\/\\S+/', false],
  ['/\\b[\\w-]+(?:\\.[\\w-]+)*:\\d{2,5}\\b/', false],
])('%s is linear: %s', (pattern, linear) => {
  expect(isLinearPattern(pattern)).toBe(linear)
})

/** The text of a pattern; of one that is made while the program runs nobody can tell. */
function patternsIn(node: Node): string[] {
  if (isRegularExpressionLiteral(node)) return [node.text]
  const isMade = (isNewExpression(node) || isCallExpression(node)) && node.expression.getText() === 'RegExp'
  return isMade ? [node.getText()] : []
}
