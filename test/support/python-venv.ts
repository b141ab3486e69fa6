import { execFile } from 'node:child_process'
import { access, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { canInstall, installPackages } from './debian-packages.ts'
import { cacheFolder, withInstallLock } from './install-lock.ts'
import type { Provision } from './provision.ts'

/** A virtualenv of the repository's cache. */
export interface PythonVenv {
  /** Of its folder; another version is another name. */
  name: string
  /** What pip is given to install. */
  pip: string[]
  /** What to install by hand where Python's venv module is missing and we may not install it. */
  advice: string
}

const run = promisify(execFile)
const packages = ['python3', 'python3-venv']

/** What `ensureVenv` installs; nothing where it is all there. */
export async function missingForVenv({ name, pip }: PythonVenv): Promise<Pick<Provision, 'packages' | 'fromPypi'>> {
  if (await exists(join(cacheFolder, name, 'complete'))) return {}
  const fromPypi = pip.join(' ')
  return (await hasVenv()) ? { fromPypi } : { fromPypi, packages }
}

/** The folder of the virtualenv's programs; it is made, and filled from PyPI, if it is not there yet. */
export async function ensureVenv({ name, pip, advice }: PythonVenv): Promise<string> {
  const folder = join(cacheFolder, name)
  const marker = join(folder, 'complete')
  if (!(await exists(marker))) {
    await ensurePython(advice)
    await withInstallLock(async () => {
      if (!(await exists(marker))) await install(folder, marker, pip)
    })
  }
  return join(folder, 'bin')
}

async function ensurePython(advice: string): Promise<void> {
  if (await hasVenv()) return
  if (!(await canInstall())) throw new Error(`The tests need ${advice}.`)
  await installPackages(packages, hasVenv)
}

async function install(folder: string, marker: string, pip: string[]): Promise<void> {
  console.log(`Installing ${pip.join(' ')} into ${folder}`)
  await rm(folder, { recursive: true, force: true })
  await run('python3', ['-m', 'venv', folder])
  await run(join(folder, 'bin', 'pip'), ['install', '--quiet', ...pip])
  await writeFile(marker, '')
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

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
