import { execFile } from 'node:child_process'
import { access, chmod, rm, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { findProgram } from './find-program.ts'
import { withInstallLock } from './install-lock.ts'

const run = promisify(execFile)
const policy = '/usr/sbin/policy-rc.d'
const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
const aptOptions = ['-o', 'DPkg::Lock::Timeout=300', '-y', '--no-install-recommends']

/** Whether this is a Debian where we may install packages. */
export async function canInstall(): Promise<boolean> {
  return (
    process.getuid?.() === 0 && (await exists('/etc/debian_version')) && (await findProgram(['apt-get'])) !== undefined
  )
}

/** Installs packages from Debian unless another process did so meanwhile; none of their services is started. */
export async function installPackages(packages: string[], areThere: () => Promise<boolean>): Promise<void> {
  await withInstallLock(async () => {
    if (await areThere()) return
    console.log(`Installing ${packages.join(' ')} with apt-get`)
    await run('apt-get', ['update'], { env: environment })
    await withoutStartingServices(() => run('apt-get', ['install', ...aptOptions, ...packages], { env: environment }))
  })
}

/** Debian starts what it installs unless this file forbids it: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt */
async function withoutStartingServices(install: () => Promise<unknown>): Promise<void> {
  if (await exists(policy)) {
    await install()
    return
  }
  await writeFile(policy, '#!/bin/sh\nexit 101\n')
  await chmod(policy, 0o755)
  try {
    await install()
  } finally {
    await rm(policy, { force: true })
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
