import { execFile } from 'node:child_process'
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Kind, type OperationDefinitionNode, parse, validate } from 'graphql'
import { createClient } from 'graphql-sse'
import { expect, onTestFinished, test } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { createDemoModel } from '../src/chat/model/demo-model.ts'
import { loadConfig } from '../src/config.ts'
import { createSchema } from '../src/schema/schema.ts'
import { BOUNDS } from '../src/transport/bounds/bounds.ts'
import { cacheFolder } from './support/install-lock.ts'
import { startTestServer } from './support/test-server.ts'

const ROOT = join(import.meta.dirname, '..')
const PAGES = [
  'README.md',
  'docs/architecture.md',
  'docs/clients.md',
  'docs/dialects.md',
  'docs/imports.md',
  'docs/limits.md',
  'docs/operation.md',
  'docs/performance.md',
  'docs/security.md',
]
const ORIGIN = 'http://127.0.0.1:4000'
/** As strict as a reader's project may be. */
const COMPILER_OPTIONS = { strict: true, module: 'esnext', moduleResolution: 'bundler', target: 'es2024', noEmit: true }

const run = promisify(execFile)

interface Block {
  page: string
  language: string
  text: string
}

/** What an operation of the README takes for `$id`, `$question`, `$answer` and `$version`. */
type Ids = Record<string, string>

test('who follows the README sees every operation succeed, in its order', async () => {
  const { origin } = await startTestServer(undefined, { model: createDemoModel({ delayMs: 0 }) })
  const client = createClient({ url: `${origin}/graphql`, retryAttempts: 0 })
  onTestFinished(() => client.dispose())
  const blocks = (await readBlocks()).filter(({ page }) => page === 'README.md')
  const done: string[] = []
  let id = ''
  for (const { language, text } of blocks) {
    if (text.startsWith('curl')) await expectCompleted(origin, text)
    if (language === 'ts') expect(await runModule(text.replaceAll(ORIGIN, origin))).toMatch(/I am the demo model/)
    for (const name of language === 'graphql' ? operationNames(text) : []) {
      const variables = { id, ...(id === '' ? {} : await readIds(blocks)) }
      const results: unknown[] = []
      for await (const result of client.iterate({ query: text, operationName: name, variables })) results.push(result)
      expectSuccess(name, results.at(-1))
      id ||= /"(conv_\w+)"/.exec(JSON.stringify(results))?.[1] ?? ''
      done.push(name)
    }
  }
  const plain = ['Create', 'Append', 'Recent', 'Messages', 'Edit', 'Regenerate', 'Select', 'Redact', 'Results', 'GoOn']
  expect(done).toEqual(plain)

  async function readIds(all: readonly Block[]): Promise<Ids> {
    const query = all.find(({ text }) => text.includes('query Messages'))?.text ?? ''
    const { value } = await client.iterate({ query, operationName: 'Messages', variables: { id } }).next()
    const { nodes } = (value as { data: { conversation: { messages: { nodes: Shown[] } } } }).data.conversation.messages
    const lastOf = (role: string) => nodes.findLast((message) => message.role === role)
    const question = lastOf('USER')
    return { question: question?.id ?? '', answer: lastOf('ASSISTANT')?.id ?? '', version: question?.versions[0] ?? '' }
  }
})

test('every GraphQL operation of the documentation is valid', async () => {
  const blocks = (await readBlocks()).filter(({ language }) => language === 'graphql')
  expect(blocks.length).toBe(3)
  expect(blocks.flatMap(({ text }) => validate(createSchema(), parse(text)))).toEqual([])
})

test('every TypeScript snippet of the documentation compiles under strict', async () => {
  const folder = await createFolder()
  const snippets = (await readBlocks()).filter(({ language }) => language === 'ts')
  expect(snippets.length).toBeGreaterThan(4)
  await Promise.all(snippets.map(({ text }, index) => writeFile(join(folder, `snippet-${index}.ts`), text)))
  const options = { ...COMPILER_OPTIONS, lib: ['es2024', 'dom'], types: ['node'], skipLibCheck: true }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }))
  const compiler = join(ROOT, 'node_modules/typescript/bin/tsc')
  const failed = await run(process.execPath, [compiler, '-p', folder]).catch((error: { stdout: string }) => error)
  expect(failed.stdout).toBe('')
})

test("each setting stands in the README's table with its default", async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const rows = [...readme.matchAll(/^\| `([A-Z][A-Z_]+)`\s*\| (\S+)\s*\| (.*?)\s*\|$/gm)]
  const known = new Set<string>()
  const asked = { get: (_: object, name: string) => void known.add(name) }
  const defaults = loadConfig(new Proxy({}, asked))
  expect(rows.map(([, name]) => name).toSorted()).toEqual([...known].toSorted())
  const given = rows.flatMap(([, name = '', value = '']) => (value === '–' ? [] : [[name, value]]))
  expect(loadConfig(Object.fromEntries(given))).toEqual(defaults)
})

test('each limit of the source and of the settings stands in its page with its number', async () => {
  const rows = (await readFile(join(ROOT, 'docs/limits.md'), 'utf8')).split('\n').filter((line) => line.startsWith('|'))
  const limits = [...(await readConstants()), ...(await readSettings()), ...Object.entries(BOUNDS)]
  expect(limits.length).toBeGreaterThan(80)
  const stands = ([name, value]: readonly [string, number | undefined]) =>
    rows.some((row) => row.includes(`\`${name}\``) && (value === undefined || hasNumber(row, value)))
  expect(limits.filter((limit) => !stands(limit))).toEqual([])
  const named = rows.flatMap((row) => [...row.matchAll(/`((?:MAX|MOST)_[A-Z_]+)`/g)].map(([, name = '']) => name))
  const known = new Set(limits.map(([name]) => name))
  expect(named.filter((name) => !known.has(name))).toEqual([])
})

test('no name stands for two limits', async () => {
  const limits = [...(await readConstants()), ...(await readSettings())]
  const numbers = new Map(limits)
  expect(limits.filter(([name, value]) => numbers.get(name) !== value)).toEqual([])
})

test("the README's table of servers names each server of the dialects, as it is tested", async () => {
  const [readme, dialects] = await Promise.all(
    ['README.md', 'docs/dialects.md'].map((page) => readFile(join(ROOT, page), 'utf8')),
  )
  const known = [...(dialects ?? '').matchAll(/^\| ([\w. ]+) \| \d+ \| (\d+) \| (\d+) \|$/gm)]
  const rows = [...(readme ?? '').matchAll(/^\| (.*?) +\| .* \| ((?:real|cases from).*?) +\|$/gm)]
  expect(known.length).toBeGreaterThan(20)
  const wrong = known.filter(([, server = '', reports = '', descriptions = '']) => {
    const own = rows.filter(([, names = '']) => names.split(/, (?:by.*)?/).includes(server))
    const how = own[0]?.[2] ?? ''
    const isTrue = how.includes('reports') === Number(reports) > 0 && Number(reports) + Number(descriptions) > 0
    return own.length !== 1 || !isTrue
  })
  expect(wrong.map(([, server]) => server)).toEqual([])
})

test("the README's table of files names each format that is read", async () => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8')
  const documented = [...readme.matchAll(/^\| [^|]+\| `([\w-]+:)ID` +\|/gm)].map(([, prefix]) => prefix)
  const folder = join(ROOT, 'src/transfer')
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('-conversation.ts'))
  const sources = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
  const read = sources.flatMap((source) => /EXTERNAL_ID_PREFIX = '([\w-]+:)'/.exec(source)?.[1] ?? [])
  expect(documented.toSorted()).toEqual(read.toSorted())
})

test('each script, each page and each file that the documentation names is there', async () => {
  const missing: string[] = []
  for (const page of PAGES) {
    const text = await readFile(join(ROOT, page), 'utf8')
    const scripts = [...text.matchAll(/npm run ([a-z]+(?:[:-][a-z]+)*)/g)].map(([, name = '']) => name)
    missing.push(...scripts.filter((name) => !(name in packageJson.scripts)))
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, path = '']) => join(dirname(page), path))
    const files = [...text.matchAll(/`((?:src|test|bench|docs)\/[\w/.-]*)`/g)].map(([, path = '']) => path)
    for (const path of [...links, ...files]) if (!(await isThere(path))) missing.push(`${page}: ${path}`)
  }
  expect(missing).toEqual([])
})

test.each([
  ['maxTokens', 8],
  ['content', 16],
])('%s goes through at most %i files, as the architecture page lists them', async (name, most) => {
  const page = await readFile(join(ROOT, 'docs/architecture.md'), 'utf8')
  const [, list = ''] = new RegExp(`<!-- way: ${name} -->\n((?:\\d+\\. .*\n)+)`).exec(page) ?? []
  const steps = list.trim().split('\n')
  expect(steps.filter((step) => !/^\d+\. `src\/\S+\.ts`/.test(step))).toEqual([])
  expect(steps.length).toBeLessThanOrEqual(most)
})

/** Bounds of what is shown, searched or made in one step, and forms of values: nobody meets them. */
const NO_LIMITS = new Set([
  'MAX_CAUSES',
  'MAX_CODE',
  'MAX_COST',
  'MAX_DISTANCE',
  'MAX_EPOCH',
  'MAX_HELD',
  'MAX_ID',
  'MAX_INT',
  'MAX_KIND',
  'MAX_KINDS',
  'MAX_LOGGED_CHARACTERS',
  'MAX_LOOKS',
  'MAX_NAME',
  'MAX_NESTING',
  'MAX_PATH',
  'MAX_PLACES',
  'MAX_PLACE_LENGTH',
  'MAX_PLAIN_LENGTH',
  'MAX_POSITION',
  'MAX_READ_CHARACTERS',
  'MAX_REASON_CHARS',
  'MAX_REGISTER_BYTES',
  'MAX_SHOWN',
  'MAX_SHOWN_CHARS',
  'MAX_SHOWN_KEY',
  'MAX_SHOWN_NAMES',
  'MAX_SKIPPED',
  'MAX_SLOW',
  'MAX_TIME',
  'MAX_WORD',
  'MAX_WORDS',
  'MAX_WRITER_DEPTH',
  'MOST_AT_ONCE',
  'MOST_BYTES',
  'MOST_FAULTS',
  'MOST_ITEMS',
  'MOST_MS',
  'MOST_PIECES',
  'MOST_RESULTS',
  'MOST_ROWS',
  'MOST_TOKEN_DIGITS',
  'MOST_TRIES',
])
/** Its depth is that of a search, which ends in no error. */
const SEARCHES = /provider-error\.ts$/

/** Constants whose names say that they are limits; the number is undefined where others make it. */
async function readConstants(): Promise<[name: string, value: number | undefined][]> {
  const found: [string, number | undefined][] = []
  for (const path of await readdir(join(ROOT, 'src'), { recursive: true })) {
    if (!path.endsWith('.ts') || SEARCHES.test(path)) continue
    const text = await readFile(join(ROOT, 'src', path), 'utf8')
    for (const [, name = '', value = ''] of text.matchAll(/^(?:export )?const ((?:MAX|MOST)_[A-Z_]+) = (.+)$/gm)) {
      if (!NO_LIMITS.has(name)) found.push([name, product(value)])
    }
  }
  return found
}

/** Settings that are numbers, but for the port. */
async function readSettings(): Promise<[name: string, value: number | undefined][]> {
  const text = await readFile(join(ROOT, 'src/config.ts'), 'utf8')
  const settings = [...text.matchAll(/integer\('([A-Z_]+)', ([\d_]+)/g)]
  return settings.flatMap(([, name = '', value = '']) => (name === 'PORT' ? [] : [[name, product(value)]]))
}

/** A number, or a product of some, as the source writes them. */
function product(text: string): number | undefined {
  const plain = text.replaceAll('_', '')
  return /^[\d.]+( \* \d+)*$/.test(plain) ? plain.split(' * ').reduce((all, one) => all * Number(one), 1) : undefined
}

function hasNumber(row: string, value: number): boolean {
  const written = value.toLocaleString('en-US').replaceAll('.', '\\.')
  return new RegExp(`(?<![\\d,.])${written}(?![\\d,])`).test(row)
}

interface Shown {
  id: string
  role: string
  versions: string[]
}

async function readBlocks(): Promise<Block[]> {
  const pages = await Promise.all(
    PAGES.map(async (page) => {
      const text = await readFile(join(ROOT, page), 'utf8')
      const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
      return blocks.map(([, language = '', block = '']) => ({ page, language, text: block }))
    }),
  )
  return pages.flat()
}

function operationNames(text: string): string[] {
  const isOperation = (node: { kind: string }): node is OperationDefinitionNode =>
    node.kind === Kind.OPERATION_DEFINITION
  return parse(text)
    .definitions.filter(isOperation)
    .map(({ name }) => name?.value ?? '')
}

/** Neither an error of the request nor a result that is one, nor an answer that shows nothing. */
function expectSuccess(name: string, result: unknown): void {
  const { data, errors } = result as { data: Record<string, { __typename?: string; code?: string }>; errors?: unknown }
  expect(errors, name).toBeUndefined()
  const [value] = Object.values(data)
  expect(value, name).not.toHaveProperty('code')
  expect(Object.keys(value ?? {}), name).not.toEqual([])
  if (value?.__typename?.startsWith('Reply')) expect(value.__typename, name).toBe('ReplyCompleted')
}

/** Sends what curl would send: not every machine has curl. */
async function expectCompleted(origin: string, command: string): Promise<void> {
  const headers = [...command.matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, name = '', value = '']) => [name, value])
  const [, url = ''] = /(http\S+)/.exec(command) ?? []
  const [, body = ''] = /-d '(.*)'\s*$/s.exec(command) ?? []
  const init = { method: 'POST', headers: headers as [string, string][], body }
  const response = await fetch(url.replace(ORIGIN, origin), init)
  expect(await response.text()).toMatch(/"__typename":"ReplyCompleted".*I am the demo model/)
}

/** Runs a module where it finds the packages of the project; what it prints. */
async function runModule(text: string): Promise<string> {
  const path = join(await createFolder(), 'snippet.ts')
  await writeFile(path, text)
  return (await run(process.execPath, [path], { timeout: 60_000 })).stdout
}

async function createFolder(): Promise<string> {
  await mkdir(cacheFolder, { recursive: true })
  const folder = await mkdtemp(join(cacheFolder, 'documentation-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function isThere(path: string): Promise<boolean> {
  return access(join(ROOT, path)).then(
    () => true,
    () => false,
  )
}
