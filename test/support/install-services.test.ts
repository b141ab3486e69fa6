import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'

const run = promisify(execFile)
const PROGRAM = new URL('install-services.ts', import.meta.url).pathname

const LEFT_OUT =
  '  NO nginx, SO ITS TESTS ARE SKIPPED: needs nginx, on the PATH\n' +
  '  NO browser, SO ITS TESTS ARE SKIPPED: needs chromium or google-chrome, on the PATH\n'
const STORES = { REDIS_URL: 'redis://127.0.0.1:1', MONGODB_URL: 'mongodb://127.0.0.1:1' }

test('where the stores are there, it says what the tests run on and what is left out, and installs nothing', async () => {
  // Without a PATH there is no program at all.
  const { stdout } = await install(STORES)
  expect(stdout).toBe(`The tests run on:\n  Redis of REDIS_URL\n  MongoDB of MONGODB_URL\n${LEFT_OUT}`)
})

test('in CI nothing is left out', async () => {
  const failed = await install({ ...STORES, CI: 'true' }).catch((error: unknown) => error)
  expect(failed).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Install by hand:\n  nginx, on the PATH\n  chromium'),
  })
})

test('what is missing is told first, and what to install by hand where it may not be installed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'backscroll-no-programs-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  // No apt-get there, so it may install nothing, whoever runs the tests.
  const failed = await install({ PATH: folder, MONGODB_URL: 'mongodb://127.0.0.1:1' }).catch((error: unknown) => error)
  expect(failed).toMatchObject({
    code: 1,
    stdout:
      'The tests run on:\n  MongoDB of MONGODB_URL\n' +
      '  Redis: redis-server, missing: first apt-get installs redis-server\n' +
      LEFT_OUT,
    stderr:
      'The tests cannot run. Only root on a Debian lets them install packages. Install by hand:\n' +
      '  redis-server or valkey-server, on the PATH, or Docker\n',
  })
})

function install(env: Record<string, string>) {
  return run(process.execPath, [PROGRAM], { env })
}
