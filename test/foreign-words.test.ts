import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Node, SyntaxKind } from 'typescript/unstable/ast'
import { isAsExpression, isBinaryExpression, isElementAccessExpression } from 'typescript/unstable/ast/is'
import { type Type, TypeFlags } from 'typescript/unstable/sync'
import { expect, onTestFinished, test } from 'vitest'
import { openSourceProgram, type SourceProgram } from './support/source-program.ts'

/*
 * `TABLE[word]` finds the prototype for `__proto__`, `constructor` and `toString`. Words from outside are looked up in
 * Maps, so an object is asked only by literals, and by words that are of a closed type.
 */

const OURS = 'The names are ours.'
const OF_TABLES = 'The names are those of a table of dialects.'
const OWN_KEYS = 'The keys are those of the object itself.'
const NO_PROTOTYPE = 'An object without a prototype.'
const OF_THE_SCHEMA = 'The names are those of fields of the schema.'
const TEXT_ONLY = 'It counts where it is text, which nothing is that is inherited.'
const ANSWER = 'An answer has no prototype where a field of it is called `__proto__`, and nothing else is written.'

/** Why these are safe all the same. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  ['src/access/tokens.ts: payload[ownerClaim]', TEXT_ONLY],
  ['src/access/tokens.ts: payload[tenantClaim]', TEXT_ONLY],
  ['src/chat/model/wire/delta-fields.ts: call[field]', OF_TABLES],
  ['src/chat/model/wire/delta-fields.ts: delta[field]', OF_TABLES],
  ['src/chat/model/wire/delta-fields.ts: given[field]', OF_TABLES],
  ['src/chat/model/wire/delta-fields.ts: item[field]', OF_TABLES],
  ['src/chat/model/wire/delta-fields.ts: kept[field]', OF_TABLES],
  ['src/chat/model/wire/finish-words.ts: choice[field]', OF_TABLES],
  ['src/chat/model/wire/plain-text.ts: choice[field]', OWN_KEYS],
  ['src/chat/model/wire/plain-text.ts: delta[field]', OWN_KEYS],
  ['src/chat/model/wire/plain-text.ts: event[field]', OWN_KEYS],
  ['src/chat/model/wire/provider-error.ts: choice[field]', OF_TABLES],
  ['src/chat/model/wire/provider-error.ts: choice[place]', OF_TABLES],
  ['src/chat/model/wire/provider-error.ts: event[field]', OF_TABLES],
  ['src/chat/model/wire/provider-error.ts: fields[field]', OF_TABLES],
  ['src/chat/model/wire/usage-fields.ts: fieldsOf(value)?.[field]', OF_TABLES],
  ['src/config.ts: environment[name]', OURS],
  ['src/memory/history/sqlite/sqlite-database.ts: row?.[pragma]', OURS],
  ['src/memory/history/sqlite/sqlite-rows.ts: values[column]', OURS],
  ['src/memory/history/stored-check.ts: (value as Record<string, unknown>)[field]', OURS],
  ['src/memory/history/stored-check.ts: value[name]', OURS],
  ['src/memory/message-fields.ts: (part as Fields)[name]', OURS],
  ['src/memory/message-fields.ts: value[name]', OWN_KEYS],
  ['src/own-value.ts: record[word]', OWN_KEYS],
  ['src/plans/cost-check.ts: variables[name]', 'Only compared with what it was.'],
  [
    'src/plans/execute-plan.ts: (source as Record<string, unknown> | null | undefined)?.[field.definition.name]',
    OF_THE_SCHEMA,
  ],
  ['src/plans/execute-plan.ts: results[field.key]', ANSWER],
  ['src/plans/pending-values.ts: results[key]', OWN_KEYS],
  ['src/plans/planned-subscription.ts: (event as Record<string, unknown>)[definition.name]', OF_THE_SCHEMA],
  ['src/plans/planned-subscription.ts: data[key]', ANSWER],
  ['src/plans/query-cost.ts: weighing.fragments[selection.name.value]', NO_PROTOTYPE],
  ['src/plans/query-plan.ts: fragments[definition.name.value]', NO_PROTOTYPE],
  ['src/plans/resolve-field.ts: (source as Record<string, unknown> | null | undefined)?.[name]', OF_THE_SCHEMA],
  ['src/schema/conversation/conversation.ts: (await loaded(known, context))[name]', OURS],
  ['src/transfer/backscroll/backscroll-conversation.ts: record[name]', OURS],
  ['src/transfer/json-fields.ts: object[name]', OURS],
  ['src/unknown-settings.ts: environment[nearest]', OURS],
])

test('words are looked up in Maps', () => {
  const program = open(join(import.meta.dirname, '..'))
  expect(lookupsIn(program)).toEqual([...EXCEPTIONS.keys()].toSorted())
})

test('what may be any word is found, and what is of a closed type is not', async () => {
  const found = ['TABLE[word]', "TABLE[word + '!']", "TABLE[word as 'known']", 'word in TABLE']
  const passed = [
    'TABLE.known',
    "TABLE['known']",
    "'known' in TABLE",
    'LIST[place]',
    'CLOSED[closed]',
    'WORDS.get(word)',
  ]
  const lines = [
    'const TABLE: Record<string, number> = { known: 1 }',
    'const CLOSED = { a: 1, b: 2 }',
    'const WORDS = new Map<string, number>()',
    'const LIST = [1]',
    "export function look(word: string, place: number, closed: 'a' | 'b') {",
    `  return [${[...found, ...passed].join(', ')}]`,
    '}',
  ]
  const program = open(await folderWith(lines.join('\n')))
  expect(lookupsIn(program)).toEqual(found.map((code) => `src/look.ts: ${code}`).toSorted())
})

function open(folder: string): SourceProgram {
  const program = openSourceProgram(folder)
  onTestFinished(() => program.close())
  return program
}

async function folderWith(source: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'backscroll-words-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'src'))
  await writeFile(join(folder, 'tsconfig.json'), '{"compilerOptions":{"strict":true,"target":"es2024"}}')
  await writeFile(join(folder, 'src/look.ts'), source)
  return folder
}

/** What looks a word up in an object, as `file: expression`. */
function lookupsIn({ nodes, typesOf }: SourceProgram): string[] {
  const words = nodes.flatMap(({ file, node }) => {
    const word = wordOf(node)
    return word === undefined ? [] : [{ place: `${file}: ${node.getText()}`, word }]
  })
  const types = typesOf(words.map(({ word }) => word))
  const open = words.filter(({ word }, index) => isAsExpression(word) || isOpen(types[index]))
  return [...new Set(open.map(({ place }) => place))].toSorted()
}

/** The word by which a node looks into an object. */
function wordOf(node: Node): Node | undefined {
  if (isElementAccessExpression(node)) return node.argumentExpression
  if (isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.InKeyword) return node.left
  return undefined
}

/** Whether a value of the type may be any word. */
function isOpen(type: Type | undefined): boolean {
  if (type === undefined) return true
  if (type.isUnionType()) return type.getTypes().some(isOpen)
  return (type.flags & CLOSED) === 0
}

const CLOSED = TypeFlags.StringLiteral | TypeFlags.NumberLike | TypeFlags.ESSymbolLike | TypeFlags.EnumLiteral
