import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** A file system of its own, until the end of the test. */
export interface SmallDisk {
  directory: string
  makeReadOnly(): void
}

/** Undefined where this user may mount nothing. */
export function mountSmallDisk(bytes: number): SmallDisk | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'backscroll-disk-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const mount = (options: string) =>
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { stdio: 'ignore' })
  try {
    mount(`size=${bytes}`)
  } catch {
    return undefined
  }
  // Last registered, first run: before the directory is removed.
  onTestFinished(() => void execFileSync('umount', [directory]))
  return { directory, makeReadOnly: () => mount('remount,ro') }
}
