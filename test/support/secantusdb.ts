import { execFile } from 'node:child_process'
import { access, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { canInstall, installPackages } from './debian-packages.ts'
import { cacheFolder, withInstallLock } from './install-lock.ts'

const version = '0.7.0b3'
const folder = join(cacheFolder, `secantusdb-${version}`)
const marker = join(folder, 'complete')
const run = promisify(execFile)

/** SecantusDB speaks MongoDB's protocol over WiredTiger: a beta, used as a separate process and only for tests. */
export const secantusdbName = `secantusdb ${version}`

/** The server's program, installed from PyPI into a virtualenv of the repository's cache if it is not there yet. */
export async function findSecantusdb(): Promise<string> {
  if (!(await isComplete())) {
    await ensurePython()
    await withInstallLock(async () => {
      if (!(await isComplete())) await install()
    })
  }
  return join(folder, 'bin', 'secantusd-py')
}

async function ensurePython(): Promise<void> {
  if (await hasVenv()) return
  if (!(await canInstall())) {
    throw new Error(
      'The tests need MongoDB: install mongod on the PATH, start Docker, or install Python 3.10+ with its venv module.',
    )
  }
  await installPackages(['python3', 'python3-venv'], hasVenv)
}

async function install(): Promise<void> {
  console.log(`Installing ${secantusdbName} into ${folder}`)
  await rm(folder, { recursive: true, force: true })
  await run('python3', ['-m', 'venv', folder])
  await run(join(folder, 'bin', 'pip'), ['install', '--quiet', `secantusdb==${version}`])
  await writeFile(marker, '')
}

async function isComplete(): Promise<boolean> {
  try {
    await access(marker)
    return true
  } catch {
    return false
  }
}

/** Debian's python3 has `venv` but not always `ensurepip`, without which a virtualenv has no pip. */
async function hasVenv(): Promise<boolean> {
  try {
    await run('python3', ['-c', 'import ensurepip, venv'])
    return true
  } catch {
    return false
  }
}
