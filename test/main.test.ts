import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, inject, onTestFinished, test } from 'vitest'
import { findFreePort } from './support/free-port.ts'
import { createGraphqlClient } from './support/graphql-client.ts'

const main = new URL('../src/main.ts', import.meta.url).pathname

test('the program says where to look, answers, and ends cleanly on a signal', async () => {
  const port = await findFreePort()
  const program = await startMain({ PORT: String(port) })
  await expect.poll(() => program.output()).toContain(`open http://127.0.0.1:${port}/graphql in a browser`)
  const client = createGraphqlClient(`http://127.0.0.1:${port}`)
  expect((await client.post({ query: '{ __typename }' })).data).toEqual({ __typename: 'Query' })
  program.child.kill('SIGTERM')
  expect(await program.exited).toEqual([0, null])
  await client.close()
})

test('a signal that npm passes on once more is one signal', async () => {
  const program = await startMain({ PORT: '0' })
  await expect.poll(() => program.output()).toContain('ready')
  program.child.kill('SIGINT')
  program.child.kill('SIGTERM')
  program.child.kill('SIGINT')
  expect(await program.exited).toEqual([0, null])
})

test('a wrong configuration is told whole, without a stack', async () => {
  const program = await startMain({ PORT: 'x', CACHE_TAIL_TOKENS: '-1' })
  expect(await program.exited).toEqual([1, null])
  expect(program.output()).toBe(
    [
      'The configuration is wrong:',
      '  PORT must be a whole number from 0 to 65535; got "x".',
      '  CACHE_TAIL_TOKENS must be a whole number from 0 to 1000000; got "-1".',
      '',
    ].join('\n'),
  )
})

test('the command line asks for help or is refused, and starts nothing', async () => {
  const help = await startMain({ PORT: 'x' }, ['--help'])
  expect(await help.exited).toEqual([0, null])
  expect(help.output()).toContain('Usage: npm start')
  const refused = await startMain({}, ['--port=4001'])
  expect(await refused.exited).toEqual([2, null])
  expect(refused.output()).toBe('"--port" is no argument: settings are variables. See --help.\n')
})

test('a port that is taken ends the program with the reason', async () => {
  const port = await findFreePort()
  const first = await startMain({ PORT: String(port) })
  await expect.poll(() => first.output()).toContain('ready')
  const second = await startMain({ PORT: String(port) })
  expect(await second.exited).toEqual([1, null])
  expect(second.output()).toContain(`PORT ${port} is in use on 127.0.0.1: another process listens there.\n`)
  expect(second.output()).not.toContain('    at ')
  first.child.kill('SIGINT')
  expect(await first.exited).toEqual([0, null])
})

test('what cannot start says which setting to mend, without a stack or a password, and ends', async () => {
  for (const [environment, text] of [
    [{ DATA_DIR: '/proc/x' }, 'DATA_DIR /proc/x: '],
    [{ MONGODB_URL: 'mongodb://ann:secret@127.0.0.1:1/x' }, 'MONGODB_URL mongodb://127.0.0.1:1/x: '],
    [{ MONGODB_URL: 'mongodb://ann:my secret@127.0.0.1:1/x' }, 'MONGODB_URL mongodb://127.0.0.1:1/x: '],
    [{ MONGODB_URL: 'mongodb://ann:secret@127.0.0.1:1/x?never=1' }, 'option never is not supported'],
    [{ REDIS_URL: `${inject('redisUrl')}/99` }, 'REDIS_URL names a database that this Redis does not have'],
  ] as const) {
    const program = await startMain({ PORT: '0', ...environment })
    expect(await program.exited).toEqual([1, null])
    const errors = program
      .output()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{'))
    expect(errors).toEqual([expect.stringContaining(text)])
    expect(program.output()).not.toContain('secret')
  }
})

test('the start names history, cache and model in one line, and settings that are none', async () => {
  const program = await startMain({ PORT: '0', REDIS_URL: 'redis://ann:secret@127.0.0.1:1', MONGO_URL: 'x' })
  await expect.poll(() => program.output()).toContain('ready')
  const entries = program
    .output()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; reason?: string })
  const messages = entries.map(({ msg }) => msg)
  expect(messages).toContainEqual(
    expect.stringMatching(/^history: SQLite .*; cache: Redis redis:\/\/127\.0\.0\.1:1; model: demo$/),
  )
  expect(messages).toContain('MONGO_URL is no setting: MONGODB_URL may be meant')
  expect(entries).toContainEqual(expect.objectContaining({ reason: 'connect ECONNREFUSED 127.0.0.1:1' }))
  expect(program.output()).not.toContain('secret')
  program.child.kill('SIGTERM')
  expect(await program.exited).toEqual([0, null])
})

test('the start says that MongoDB without Redis serves one node', async () => {
  const program = await startMain({ PORT: '0', MONGODB_URL: inject('mongodbUrl') })
  await expect.poll(() => program.output(), { timeout: 60_000 }).toContain('ready')
  expect(program.output()).toContain('cache: in process, so for one node only (REDIS_URL is not set)')
  program.child.kill('SIGTERM')
  expect(await program.exited).toEqual([0, null])
})

test('every line is an entry of the log, whoever writes it', async () => {
  const loud =
    "setInterval(() => { console.error('loud', new Error('at a socket')); process.emitWarning('careful') }, 20)"
  const program = await startMain({
    PORT: '0',
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(loud)}`,
  })
  const linesWhenReady = () => program.output().split('ready: open')[1]?.split('\n').slice(1, -1) ?? []
  await expect.poll(() => linesWhenReady().length).toBeGreaterThan(4)
  const entries = linesWhenReady().map((line) => JSON.parse(line) as object)
  expect(entries).toContainEqual(
    expect.objectContaining({ level: 'error', msg: 'loud', err: expect.objectContaining({ message: 'at a socket' }) }),
  )
  expect(entries).toContainEqual(
    expect.objectContaining({ level: 'warn', msg: 'warning', err: expect.objectContaining({ message: 'careful' }) }),
  )
})

async function startMain(environment: Record<string, string>, args: readonly string[] = []) {
  const directory = await mkdtemp(join(tmpdir(), 'backscroll-main-'))
  const env = { DATA_DIR: directory, ...environment }
  const child: ChildProcess = spawn(process.execPath, [main, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'close')
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk))
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
    await rm(directory, { recursive: true, force: true })
  })
  return { child, exited, output: () => output }
}
