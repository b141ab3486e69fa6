import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** What the tests install lives here, out of version control. */
export const cacheFolder = join(import.meta.dirname, '..', '..', '.cache')

const lock = join(cacheFolder, 'install.lock')
const holder = join(lock, 'pid')
const pollMs = 200
const claimGraceMs = 2_000

/** Runs one installation at a time, over all processes; a lock whose holder has died is taken over. */
export async function withInstallLock(install: () => Promise<void>): Promise<void> {
  await mkdir(cacheFolder, { recursive: true })
  while (!(await claim())) {
    if (await isAbandoned()) await rm(lock, { recursive: true, force: true })
    else await delay(pollMs)
  }
  try {
    await install()
  } finally {
    await rm(lock, { recursive: true, force: true })
  }
}

async function claim(): Promise<boolean> {
  try {
    await mkdir(lock)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
  await writeFile(holder, String(process.pid))
  return true
}

async function isAbandoned(): Promise<boolean> {
  const pid = (await readHolder()) ?? (await delay(claimGraceMs).then(readHolder))
  return pid === undefined || !isAlive(pid)
}

/** Undefined for a moment between the two steps of a claim. */
async function readHolder(): Promise<number | undefined> {
  try {
    return Number(await readFile(holder, 'utf8')) || undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
