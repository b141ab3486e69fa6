import { readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDirectory } from '../../../make-directory.ts'

/** A folder that keeps the newest of what is written into it. */
export interface RecordingFolder {
  /** Makes the folder and tries whether it takes a file. Rejects as the file system does. */
  prepare(): Promise<void>
  /** Writes a file of this name, whole or not at all; the oldest ones go. Rejects as the file system does. */
  write(name: string, text: string): Promise<void>
}

/** Ours begin so; others in the folder stay as they are. */
const PREFIX = 'recorded-'
const SUFFIX = '.json'
const PROBE = `${PREFIX}nothing.part`

/**
 * Files below `path` that only this user can read, at most `maxFiles` of ours, by their names in the order of their
 * making. The folder is made where it is missing.
 */
export function createRecordingFolder(path: string, { maxFiles }: { maxFiles: number }): RecordingFolder {
  let names: string[] | undefined

  async function open(): Promise<string[]> {
    makeDirectory(path)
    const found = await readdir(path)
    return found.filter((name) => name.startsWith(PREFIX) && name.endsWith(SUFFIX)).toSorted()
  }

  async function prepare(): Promise<void> {
    names = await open()
    const probe = join(path, PROBE)
    await writeFile(probe, '', { mode: 0o600 })
    await rm(probe)
  }

  async function write(name: string, text: string): Promise<void> {
    names ??= await open()
    const file = `${PREFIX}${name}${SUFFIX}`
    const part = join(path, `${file}.part`)
    try {
      await writeFile(part, text, { mode: 0o600, flag: 'wx' })
      await rename(part, join(path, file))
    } catch (error) {
      // The folder may be another one by now.
      names = undefined
      await rm(part, { force: true }).catch(() => undefined)
      throw error
    }
    names.push(file)
    while (names.length > maxFiles) await rm(join(path, names.shift() ?? ''), { force: true })
  }

  return { prepare, write }
}
