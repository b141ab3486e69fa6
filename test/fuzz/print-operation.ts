import type { Argument, FieldSelection, FragmentSelection, Operation, Selection } from './arbitrary-operation.ts'
import type { KnownKind, Value } from './arbitrary-value.ts'

/** An operation as a client sends it. */
export interface PrintedOperation {
  query: string
  variables: Record<string, unknown>
  operationName: string
}

/** What stands for ids and for what people say. */
export interface Words {
  known(kind: KnownKind, at: number): string
  mark(text: string): string
}

/** What is collected while a document is printed. */
interface Printing {
  words: Words
  variables: { name: string; type: string; value: unknown }[]
  fragments: string[]
}

/** The keys of an answer's object: two fields of one key would have to be alike. */
type Keys = Set<string>

const NAME = /^[_A-Za-z]\w*$/

/** Prints an operation so that the schema takes it. */
export function printOperation({ kind, selections }: Operation, words: Words): PrintedOperation {
  const printing: Printing = { words, variables: [], fragments: [] }
  const root = printSelections(selections, new Set(), printing)
  const definitions = printing.variables.map(({ name, type }) => `$${name}: ${type}`)
  const head = definitions.length > 0 ? `(${definitions.join(', ')})` : ''
  return {
    query: [`${kind} Fuzz${head} ${root}`, ...printing.fragments].join('\n'),
    variables: Object.fromEntries(printing.variables.map(({ name, value }) => [name, value])),
    operationName: 'Fuzz',
  }
}

function printSelections(selections: readonly Selection[], keys: Keys, printing: Printing): string {
  return `{ ${selections.map((selection) => printSelection(selection, keys, printing)).join(' ')} }`
}

function printSelection(selection: Selection, keys: Keys, printing: Printing): string {
  return 'on' in selection ? printFragment(selection, keys, printing) : printField(selection, keys, printing)
}

function printField(
  { field, isAliased, args, directive, selections }: FieldSelection,
  keys: Keys,
  printing: Printing,
): string {
  const key = isAliased || keys.has(field) ? `a${keys.size}` : field
  keys.add(key)
  return [
    key === field ? field : `${key}: ${field}`,
    printArguments(args, printing),
    directive ? ` @${directive.name}${printArguments([directive.condition], printing)}` : '',
    selections.length > 0 ? ` ${printSelections(selections, new Set(), printing)}` : '',
  ].join('')
}

function printFragment({ on, isNamed, selections }: FragmentSelection, keys: Keys, printing: Printing): string {
  const body = `on ${on} ${printSelections(selections, keys, printing)}`
  if (!isNamed) return `... ${body}`
  const name = `F${printing.fragments.length}`
  printing.fragments.push(`fragment ${name} ${body}`)
  return `...${name}`
}

function printArguments(args: readonly Argument[], printing: Printing): string {
  const printed = args.map((argument) => `${argument.name}: ${printArgument(argument, printing)}`)
  return printed.length > 0 ? `(${printed.join(', ')})` : ''
}

function printArgument({ type, value, isVariable }: Argument, { words, variables }: Printing): string {
  const literal = isVariable ? undefined : printLiteral(value, words)
  if (literal !== undefined) return literal
  const name = `v${variables.length}`
  variables.push({ name, type, value: plainValue(value, words) })
  return `$${name}`
}

/** What GraphQL's own syntax cannot say is left to a variable. */
function printLiteral(value: Value, words: Words): string | undefined {
  if (value.kind === 'enum') return value.value
  if (value.kind === 'list')
    return joined(
      value.items.map((item) => printLiteral(item, words)),
      '[',
      ']',
    )
  if (value.kind === 'object') {
    const fields = value.fields.map(({ name, value: own }) => prefixed(`${name}: `, printLiteral(own, words)))
    return joined(fields, '{', '}')
  }
  return printJson(plainValue(value, words))
}

function printJson(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? JSON.stringify(value) : undefined
  if (Array.isArray(value)) return joined(value.map(printJson), '[', ']')
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : JSON.stringify(value)
  const fields = Object.entries(value).map(([name, own]) =>
    NAME.test(name) ? prefixed(`${name}: `, printJson(own)) : undefined,
  )
  return joined(fields, '{', '}')
}

function joined(items: readonly (string | undefined)[], open: string, close: string): string | undefined {
  return items.includes(undefined) ? undefined : `${open}${items.join(', ')}${close}`
}

function prefixed(prefix: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : `${prefix}${text}`
}

function plainValue(value: Value, words: Words): unknown {
  switch (value.kind) {
    case 'null':
      return null
    case 'list':
      return value.items.map((item) => plainValue(item, words))
    case 'object':
      return Object.fromEntries(value.fields.map(({ name, value: own }) => [name, plainValue(own, words)]))
    case 'known':
      return words.known(value.of, value.at)
    case 'text':
      return words.mark(value.value)
    case 'json':
      return markedJson(value.value, words)
    default:
      return value.value
  }
}

/** Texts and keys are both what people say. */
function markedJson(value: unknown, words: Words): unknown {
  if (typeof value === 'string') return words.mark(value)
  if (Array.isArray(value)) return value.map((item) => markedJson(item, words))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [words.mark(key), markedJson(own, words)]))
}
