import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test, vi } from 'vitest'
import { StartError } from '../src/errors.ts'
import { openHistory, type StoreUser } from '../src/open-history.ts'
import { sampleConversation, sampleMessages } from './memory/history/stored-samples.ts'
import { createKeptLog } from './support/kept-log.ts'
import { spawnOwned } from './support/owned-process.ts'

const SERVER_PROGRAM = fileURLToPath(new URL('./memory/history/sqlite/sqlite-server.ts', import.meta.url))

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'backscroll-data-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

async function open(dataDir: string, user: StoreUser = 'SERVER') {
  const log = createKeptLog()
  const { history, records } = await openHistory({ dataDir }, log, user)
  onTestFinished(() => history.close())
  return { log, history, records }
}

async function startServer(dataDir: string) {
  const server = await spawnOwned([process.execPath, SERVER_PROGRAM, dataDir], 'SIGKILL')
  onTestFinished(async () => {
    server.process.kill('SIGKILL')
    await server.exited
  })
  await vi.waitFor(() => expect(server.output()).toContain('holds it'), 60_000)
  return server
}

test('a second server on one file refuses to start and names the process that holds it', async () => {
  const dataDir = newDirectory()
  const server = await startServer(dataDir)
  const second = await open(dataDir)
  const refusal = await second.history.prepare().catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(StartError)
  expect(String(refusal)).toContain(`the process ${server.process.pid}.`)
  expect(String(refusal)).toContain('DATA_DIR')
})

test('a server that was killed leaves no lock', async () => {
  const dataDir = newDirectory()
  const server = await startServer(dataDir)
  server.process.kill('SIGKILL')
  await server.exited
  const next = await open(dataDir)
  await next.history.prepare()
  await next.history.close()
  const again = await open(dataDir)
  await again.history.prepare()
})

test('a command reads and writes beside a server', async () => {
  const dataDir = newDirectory()
  const server = await open(dataDir)
  await server.history.prepare()
  const command = await open(dataDir, 'COMMAND')
  await command.history.prepare()
  const { conversation } = await command.history.createConversation(sampleConversation())
  await command.history.insertMessages(sampleMessages(conversation.id, 1, 3))
  expect(await server.history.findConversations('ann', [conversation.id])).toStrictEqual([conversation])
})

test('a start that fails leaves the file to the next one', async () => {
  const dataDir = newDirectory()
  const file = new DatabaseSync(join(dataDir, 'backscroll.db'))
  file.exec('CREATE TABLE other (x); PRAGMA user_version = 7')
  file.close()
  const first = await open(dataDir)
  const refusal = await first.history.prepare().catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(StartError)
  expect(String(refusal)).toContain('it has version 7, and this program reads version 1')
  await first.history.close()
  rmSync(join(dataDir, 'backscroll.db'))
  const second = await open(dataDir)
  await second.history.prepare()
})

test('a file with tables and no version is refused', async () => {
  const dataDir = newDirectory()
  const file = new DatabaseSync(join(dataDir, 'backscroll.db'))
  file.exec('CREATE TABLE conversations (id TEXT)')
  file.close()
  const { history } = await open(dataDir)
  await expect(history.prepare()).rejects.toThrow('it has version 0')
})

test('nobody else on the machine can read what is stored', async () => {
  const dataDir = join(newDirectory(), 'data')
  const { history, log } = await open(dataDir)
  await history.prepare()
  await history.createConversation(sampleConversation())
  expect(modesOf(dataDir)).toEqual({ directory: '700', files: new Set(['600']) })
  expect(readdirSync(dataDir)).toEqual(
    expect.arrayContaining(['backscroll.db', 'backscroll.db-wal', 'backscroll.db-shm']),
  )
  expect(log.entries).toEqual([])
})

test('files with wider rights are narrowed, and a directory with wider rights is warned of', async () => {
  const dataDir = newDirectory()
  chmodSync(dataDir, 0o755)
  const file = new DatabaseSync(join(dataDir, 'backscroll.db'))
  file.exec('PRAGMA journal_mode = WAL')
  file.close()
  chmodSync(join(dataDir, 'backscroll.db'), 0o644)
  const { history, log } = await open(dataDir)
  await history.prepare()
  await history.createConversation(sampleConversation())
  expect(modesOf(dataDir)).toEqual({ directory: '755', files: new Set(['600']) })
  expect(log.entries).toMatchObject([{ level: 'warn', message: expect.stringContaining('chmod 700') }])
})

function modesOf(directory: string) {
  const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
  return {
    directory: modeOf(directory),
    files: new Set(readdirSync(directory).map((name) => modeOf(join(directory, name)))),
  }
}
