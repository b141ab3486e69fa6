import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/** For nobody but the user of this process. */
const OWN_DIRECTORY = 0o700

/**
 * Makes a directory that only this user can read, and those above it; one that is there stays as it is. Throws as the
 * file system does. Level by level: Node's own recursion never returns in a file system where nothing can be made, as
 * in /proc.
 */
export function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  if (dirname(path) !== path) makeDirectory(dirname(path))
  mkdirSync(path, { mode: OWN_DIRECTORY })
}
