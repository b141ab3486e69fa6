import { execFile } from 'node:child_process'
import { access, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { canInstall, installPackages } from './debian-packages.ts'
import { cacheFolder, withInstallLock } from './install-lock.ts'

/** A virtualenv of the repository's cache. */
export interface PythonVenv {
  /** Of its folder; another version is another name. */
  name: string
  /** What pip is given to install. */
  pip: string[]
  /** What to tell people where Python's venv module is missing and we may not install it. */
  advice: string
}

const run = promisify(execFile)

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
  if (!(await canInstall())) throw new Error(advice)
  await installPackages(['python3', 'python3-venv'], hasVenv)
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
