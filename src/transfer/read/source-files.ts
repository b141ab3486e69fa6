import { createReadStream } from 'node:fs'
import { open, opendir, stat } from 'node:fs/promises'
import { basename, extname, join, relative } from 'node:path'
import { crc32 } from 'node:zlib'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { FileFormatError } from './read-text.ts'

/** A file that may hold conversations, wherever it lies. */
export interface SourceFile {
  /** For people: the path, and within a zip the name there. */
  name: string
  /** In bytes, as far as that is known before it is read. */
  size: number
  read(): AsyncIterable<Uint8Array>
}

/** What lies under the paths that an import was given. */
export interface Sources {
  files: SourceFile[]
  /** Names of those beside them that hold no conversations. */
  skipped: string[]
  /** Names of zips in folders and zips, which may hold some. */
  unopened: string[]
  close(): void
}

/** As ChatGPT and Claude name them in their exports, whole or in shards; beside them lies much else. */
const EXPORTED = /^conversations(?:-\d+)?\.json$/i
const READABLE = ['.json', '.jsonl', '.ndjson']
const ZIP = '.zip'
const ZIP_BEGIN = Buffer.from('504b0304', 'hex')
/** Why a zip that lies in a folder or in a zip is not read. */
export const NOT_OPENED = 'a zip in a folder or in a zip is not opened: import it by itself'
const DAMAGED =
  'it is not what was packed, by its sum in the zip (CRC-32): nothing of it is imported; fetch the zip again, or unpack ' +
  'it and import the file for what can still be read'
/** In one folder or zip: about 1 KB is held of each. */
const MAX_FILES = 100_000

/**
 * Finds the files: a path may be one, a folder, or a zip. Rejects where a path cannot be read, a zip is none, or a folder
 * or a zip holds no file that can be one of conversations, or too many.
 */
export async function openSources(paths: readonly string[]): Promise<Sources> {
  const sources: Sources = { files: [], skipped: [], unopened: [], close }
  const zips: ZipFile[] = []
  function close(): void {
    for (const zip of zips) zip.close()
  }
  try {
    for (const path of paths) {
      const { size, isFolder } = await look(path)
      if (isFolder) addMost(sources, { path, isFolder }, await listFolder(path))
      else if (extname(path).toLowerCase() === ZIP || (await beginsAsZip(path)))
        addMost(sources, { path, isFolder }, await listZip(path, zips))
      else sources.files.push({ name: path, size, read: () => createReadStream(path) })
    }
    return sources
  } catch (error) {
    close()
    throw error
  }
}

/** Some programs save one under another name. */
async function beginsAsZip(path: string): Promise<boolean> {
  const file = await open(path)
  try {
    const { buffer } = await file.read(Buffer.alloc(ZIP_BEGIN.length), 0, ZIP_BEGIN.length, 0)
    return buffer.equals(ZIP_BEGIN)
  } finally {
    await file.close()
  }
}

async function look(path: string): Promise<{ size: number; isFolder: boolean }> {
  const found = await stat(path)
  if (!found.isDirectory() && !found.isFile()) throw new FileFormatError(`${path} is neither a file nor a folder`)
  return { size: found.size, isFolder: found.isDirectory() }
}

/**
 * Where there are files that are named as in an export, only these; in their order. A zip in the zip of such an export
 * was sent in a message, as an image may be.
 */
function addMost(
  sources: Sources,
  { path, isFolder }: { path: string; isFolder: boolean },
  found: readonly SourceFile[],
): void {
  const byName = found.toSorted((one, other) => one.name.localeCompare(other.name, 'en', { numeric: true }))
  const exported = byName.filter(({ name }) => EXPORTED.test(basename(name)))
  const readable = byName.filter(({ name }) => READABLE.includes(extname(name).toLowerCase()))
  const files = new Set(exported.length > 0 ? exported : readable)
  if (files.size === 0) {
    const zips = byName.filter(isZip).map(({ name }) => name)
    const advice = zips.length > 0 ? `; ${NOT_OPENED}: ${zips.join(', ')}` : ''
    throw new FileFormatError(`${path} holds no file that ends in ${READABLE.join(', ')}${advice}`)
  }
  for (const file of byName) {
    if (files.has(file)) sources.files.push(file)
    else if (isZip(file) && (isFolder || exported.length === 0)) sources.unopened.push(file.name)
    else sources.skipped.push(file.name)
  }
}

function isZip({ name }: SourceFile): boolean {
  return extname(name).toLowerCase() === ZIP
}

async function listFolder(folder: string): Promise<SourceFile[]> {
  const files: SourceFile[] = []
  for await (const entry of await opendir(folder, { recursive: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const shown = join(folder, relative(folder, path))
    files.push({ name: shown, size: (await stat(path)).size, read: () => createReadStream(path) })
    checkCount(folder, files.length)
  }
  return files
}

function checkCount(path: string, count: number): void {
  if (count <= MAX_FILES) return
  throw new FileFormatError(`${path} holds more than ${MAX_FILES} files: name those that hold conversations`)
}

/**
 * By yauzl, which reads the directory at the end as the format wants, streams each file, and ends one that is longer
 * than the directory says; nothing is written by the names there. unzipper and fflate read from the beginning, which
 * guesses; adm-zip holds all in memory.
 */
async function listZip(path: string, zips: ZipFile[]): Promise<SourceFile[]> {
  try {
    // Names are shown and never used as paths, so that odd ones do no harm; as text each would refuse the whole zip.
    const zip = await yauzl.openPromise(path, { autoClose: false, decodeStrings: false })
    zips.push(zip)
    checkCount(path, zip.entryCount)
    const files: SourceFile[] = []
    for await (const entry of zip.eachEntry()) {
      const name = `${path}/${String(entry.fileName).replaceAll(/\p{Cc}/gu, '?')}`
      if (!name.endsWith('/')) files.push(zipFile(zip, entry, name))
    }
    return files
  } catch (error) {
    if (error instanceof FileFormatError || (error instanceof Error && 'syscall' in error)) throw error
    throw new FileFormatError(`${path} is no zip that can be read: ${(error as Error).message}`, error)
  }
}

/**
 * A file in a zip. It is unpacked twice: whether it is what was packed is known at its end only, and until then nothing
 * of it may be stored. yauzl does not look at the sums.
 */
function zipFile(zip: ZipFile, entry: Entry, name: string): SourceFile {
  let isSound = false
  async function* read(): AsyncGenerator<Uint8Array> {
    let sum = 0
    if (!isSound) for await (const bytes of readEntry(zip, entry)) sum = crc32(bytes, sum)
    if (!isSound && sum !== entry.crc32) throw new FileFormatError(DAMAGED)
    isSound = true
    yield* readEntry(zip, entry)
  }
  return { name, size: entry.uncompressedSize, read }
}

async function* readEntry(zip: ZipFile, entry: Entry): AsyncGenerator<Uint8Array> {
  try {
    yield* (await zip.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw error
    throw new FileFormatError(`the zip cannot be read on: ${(error as Error).message}`, error)
  }
}
