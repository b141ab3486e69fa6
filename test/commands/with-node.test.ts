import { execFile } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const SCRIPT = new URL('../../src/commands/with-node.sh', import.meta.url).pathname
const NO_LIBATOMIC = 'echo "node: error while loading shared libraries: libatomic.so.1: cannot open" >&2; exit 127'

test("the project's own Node runs the program, with its arguments and its exit code", async () => {
  const project = await makeProject({ own: nodeOf('26.10.0', 'own'), system: nodeOf('24.0.0', 'system') })
  expect(await project.run('src/main.ts', 'a b')).toEqual({ code: 7, stdout: 'own: src/main.ts|a b|\n', stderr: '' })
})

test('a Node of the PATH that is new enough runs it where the own one is missing or cannot run', async () => {
  for (const own of [undefined, NO_LIBATOMIC]) {
    const project = await makeProject({ own, system: nodeOf('24.1.0', 'system') })
    expect(await project.run('main.ts')).toEqual({ code: 7, stdout: 'system: main.ts|\n', stderr: '' })
  }
})

test('an older Node is told with its version, and where the own one comes from', async () => {
  const project = await makeProject({ own: undefined, system: nodeOf('20.20.2', 'system') })
  const { code, stderr } = await project.run('main.ts')
  expect(code).toBe(1)
  expect(stderr).toMatch(/^Backscroll needs Node 24 or newer; this is 20\.20\.2\.\n.*npm ci, without --omit=optional/)
  const none = await makeProject({ own: undefined, system: undefined })
  expect((await none.run('main.ts')).stderr).toMatch(/this is none\./)
})

test('a library that the system lacks is told with the line that installs it', async () => {
  const project = await makeProject({ own: NO_LIBATOMIC, system: nodeOf('20.20.2', 'system') })
  expect(await project.run('main.ts')).toEqual({
    code: 1,
    stdout: '',
    stderr:
      "Backscroll's own Node needs libatomic1, which this system does not have. As root:\n" +
      '  apt-get update && apt-get install -y libatomic1\n',
  })
})

test('any other reason why the own Node does not run is shown', async () => {
  const project = await makeProject({ own: 'echo "cannot execute: wrong format" >&2; exit 126', system: undefined })
  expect((await project.run('main.ts')).stderr).toBe(
    "Backscroll's own Node does not run here: cannot execute: wrong format\n",
  )
})

/** What a Node of this version does: it prints the version, or the name and its arguments. */
function nodeOf(version: string, name: string): string {
  return `[ "$1" = --version ] && { echo v${version}; exit 0; }; printf '${name}: '; printf '%s|' "$@"; echo; exit 7`
}

/** A project with these Nodes as shell scripts, run as npm runs it: with its own `.bin` first on the PATH. */
async function makeProject({ own, system }: { own: string | undefined; system: string | undefined }) {
  const folder = await mkdtemp(join(tmpdir(), 'backscroll-with-node-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const script = join(folder, 'src/commands/with-node.sh')
  const bin = join(folder, 'node_modules/.bin')
  await mkdir(dirname(script), { recursive: true })
  await copyFile(SCRIPT, script)
  await writeProgram(join(bin, 'node'), own)
  await writeProgram(join(folder, 'system/node'), system)
  const env = { PATH: [bin, join(folder, 'system')].join(':') }
  return {
    run: (...args: string[]) =>
      new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
        execFile('/bin/sh', [script, ...args], { env }, (error, stdout, stderr) => {
          resolve({ code: Number(error?.code ?? 0), stdout, stderr })
        })
      }),
  }
}

async function writeProgram(path: string, text: string | undefined): Promise<void> {
  if (text === undefined) return
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `#!/bin/sh\n${text}\n`)
  await chmod(path, 0o755)
}
