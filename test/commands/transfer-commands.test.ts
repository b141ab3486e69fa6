import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { IMPORT } from '../../src/commands/import.ts'
import { FORMATS } from '../../src/transfer/formats.ts'
import { EXPORTED_TALK } from '../support/chatgpt-export.ts'
import { realisticText } from '../support/texts.ts'
import { createDirectory } from '../support/transfer-stores.ts'

/** As many messages and bytes as a real thread of seventeen days. */
const THREAD = { messages: 2_988, characters: 3_000_000 }
/** Three processes, each with the whole thread; the development server is slow on a busy machine. */
const LONG_MS = 300_000

describe.each(['embedded', 'Redis and MongoDB'])('on %s stores', (stores) => {
  test(
    'a long thread is imported, known again, and exported',
    async () => {
      const directory = await createDirectory()
      const environment = environmentOf(stores, directory)
      const file = await writeThread(directory)
      const first = await run('import', [file], environment)
      expect(first).toMatchObject({ code: 0 })
      expect(first.output).toMatch(/Read 1 conversation, 2,988 messages .*: 2,988 stored, 0 there already/)
      expect((await run('import', [file], environment)).output).toContain('0 stored, 2,988 there already')
      const exported = join(directory, 'out.json')
      expect(await run('export', [exported], environment)).toMatchObject({ code: 0 })
      const said = (text: string) => JSON.parse(text)[0].messages.map(({ role, content }: Said) => ({ role, content }))
      expect(said(await readFile(exported, 'utf8'))).toEqual(said(await readFile(file, 'utf8')))
      expect(await readdir(directory)).not.toContain('out.json.partial')
    },
    LONG_MS,
  )
})

test('an import that was killed in the middle is completed by the next one, with nothing twice', async () => {
  const directory = await createDirectory()
  const environment = environmentOf('embedded', directory)
  const file = await writeThread(directory)
  const killed = start('import', [file], environment)
  await expect.poll(() => countMessages(directory), { interval: 5, timeout: 60_000 }).toBeGreaterThan(0)
  killed.child.kill('SIGKILL')
  await killed.exited
  const kept = countMessages(directory)
  expect(kept).toBeLessThan(THREAD.messages)
  const second = await run('import', [file], environment)
  expect(second.code).toBe(0)
  expect(second.output).toContain(`${number(THREAD.messages - kept)} stored, ${number(kept)} there already`)
  expect(countMessages(directory)).toBe(THREAD.messages)
})

test('a ChatGPT export is imported with all its branches, and all of them are exported', async () => {
  const directory = await createDirectory()
  const environment = environmentOf('embedded', directory)
  const file = join(directory, 'conversations.json')
  await writeFile(file, JSON.stringify([EXPORTED_TALK]))
  const first = await run('import', [file], environment)
  expect(first).toMatchObject({ code: 0, output: expect.stringContaining('19 stored, 0 there already') })
  expect((await run('import', [file], environment)).output).toContain('0 stored, 19 there already')
  const exported = join(directory, 'out.json')
  expect(await run('export', [exported], environment)).toMatchObject({ code: 0 })
  const [talk] = JSON.parse(await readFile(exported, 'utf8'))
  expect(talk.messages.at(-1)).toMatchObject({ role: 'assistant', content: '43.' })
  expect(talk.messages).toHaveLength(5)
  expect(talk.otherVersions).toHaveLength(14)
})

test('what was refused is listed at the end and said by the exit code', async () => {
  const directory = await createDirectory()
  const file = join(directory, 'some.jsonl')
  await writeFile(file, '{"messages":[{"role":"user","content":"hello"}]}\n{"messages":[{"role":"bot"}]}\n')
  const { code, output } = await run('import', [file], environmentOf('embedded', directory))
  expect(code).toBe(1)
  expect(output).toContain('Read 1 conversation, 1 message (')
  expect(output).toContain(
    `1 not imported:\n  ${file}: line 2: nothing of it can be read: line 2.messages[0]: a message`,
  )
})

test('a zip that lies in a folder is named with the reason and said by the exit code', async () => {
  const directory = await createDirectory()
  const folder = join(directory, 'chats')
  await mkdir(folder)
  await writeFile(join(folder, 'some.jsonl'), '{"messages":[{"role":"user","content":"hello"}]}\n')
  await writeFile(join(folder, 'chatgpt.zip'), '')
  const { code, output } = await run('import', [folder], environmentOf('embedded', directory))
  expect(code).toBe(1)
  expect(output).toMatch(/Skipped: \S+chatgpt\.zip \(a zip in a folder .* is not opened: import it by itself\)\.\n/)
  expect(output).toContain('Read 1 conversation, 1 message (')
})

test('an export says that it replaced a file, and is not written to the standard output', async () => {
  const directory = await createDirectory()
  const environment = environmentOf('embedded', directory)
  const file = join(directory, 'out.json')
  expect((await run('export', [file], environment)).output).not.toContain('Replaced')
  const again = await run('export', [file], environment)
  expect(again).toMatchObject({ code: 0, output: expect.stringContaining(`Replaced the file that was there: ${file}`) })
  const output = 'Give one FILE: an export is not written to the standard output. See --help.\n'
  expect(await run('export', ['-'], environment)).toEqual({ code: 2, output })
})

test('what is imported for an owner is exported for that owner only', async () => {
  const directory = await createDirectory()
  const environment = environmentOf('embedded', directory)
  const [file, exported] = [join(directory, 'some.jsonl'), join(directory, 'out.jsonl')]
  await writeFile(file, '{"messages":[{"role":"user","content":"hello"}]}\n')
  expect(await run('import', ['--owner', 'acme/jürgen', file], environment)).toMatchObject({ code: 0 })
  expect(await run('export', [exported], environment)).toMatchObject({ code: 0 })
  expect(await readFile(exported, 'utf8')).toBe('')
  expect(await run('export', ['--owner', 'acme/jürgen', exported], environment)).toMatchObject({ code: 0 })
  expect(await readFile(exported, 'utf8')).toContain('hello')
  const output = '--owner must have 1 to 256 characters. See --help.\n'
  expect(await run('import', ['--owner', '', file], environment)).toEqual({ code: 2, output })
})

test('the help of the import names each format that is read', () => {
  expect(FORMATS.filter(({ name }) => !IMPORT.help.includes(`\n  ${name}  `))).toEqual([])
})

test.each(['import', 'export'])(
  'the %s tells what it takes, and what is wrong with what it was given',
  async (command) => {
    const directory = await createDirectory()
    const environment = environmentOf('embedded', directory)
    const file = join(directory, 'none', 'file.json')
    const help = await run(command, ['--help'], environment)
    expect(help).toMatchObject({ code: 0, output: expect.stringMatching(/^Usage: npm run .*Exit codes:/s) })
    expect(await run(command, [], environment)).toEqual({
      code: 2,
      output: expect.stringMatching(/^Give (?:at least )?one FILE\. See --help\.\n$/),
    })
    expect(await run(command, ['--fast', file], environment)).toMatchObject({
      code: 2,
      output: expect.stringContaining("Unknown option '--fast'"),
    })
    expect(await run(command, [file], environment)).toMatchObject({
      code: 2,
      output: expect.stringMatching(/^There is no such file or folder: \/.*none.* \(ENOENT\)\n$/),
    })
    expect(await run(command, [file], { ...environment, PORT: 'x' })).toMatchObject({
      code: 2,
      output: expect.stringMatching(/^The configuration is wrong:/),
    })
    expect(await readdir(directory)).toEqual([])
  },
)

test('a history that is away is told, with what to do', async () => {
  const directory = await createDirectory()
  const environment = {
    ...environmentOf('embedded', directory),
    MONGODB_URL: 'mongodb://127.0.0.1:1/?directConnection=true',
  }
  const { code, output } = await run('export', [join(directory, 'out.jsonl')], environment)
  expect(code).toBe(3)
  expect(output).toMatch(
    /^The history: MongoDB at 127\.0\.0\.1:1\nThe history cannot be reached; try again\. Run the same command again: nothing doubles\. \(.+\)\n$/,
  )
})

interface Said {
  role: string
  content: string
}

async function writeThread(directory: string): Promise<string> {
  const text = realisticText(THREAD.characters)
  const step = Math.floor(THREAD.characters / THREAD.messages)
  const messages = Array.from({ length: THREAD.messages }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: text.slice(index * step, (index + 1) * step).toWellFormed(),
  }))
  const file = join(directory, 'thread.json')
  await writeFile(file, JSON.stringify([{ id: 'thread', messages }]))
  return file
}

function environmentOf(stores: string, directory: string): Record<string, string> {
  const embedded = { DATA_DIR: join(directory, 'data') }
  if (stores === 'embedded') return embedded
  const mongodb = new URL(inject('mongodbUrl'))
  mongodb.pathname = `/transfer-${randomUUID()}`
  return { ...embedded, MONGODB_URL: mongodb.href, REDIS_URL: inject('redisUrl') }
}

function start(command: string, args: string[], env: Record<string, string>) {
  const program = new URL(`../../src/commands/${command}.ts`, import.meta.url).pathname
  const child: ChildProcess = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'close')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return { child, exited, output: () => output }
}

async function run(command: string, args: string[], env: Record<string, string>) {
  const { exited, output } = start(command, args, env)
  const [code] = await exited
  return { code, output: output() }
}

/** How many messages are in the embedded history; none while there is no such file. */
function countMessages(directory: string): number {
  try {
    using database = new DatabaseSync(join(directory, 'data', 'backscroll.db'), { readOnly: true })
    return Number(database.prepare('SELECT count(*) AS messages FROM messages').get()?.messages)
  } catch {
    return 0
  }
}

function number(value: number): string {
  return value.toLocaleString('en')
}
