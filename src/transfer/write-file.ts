import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

/**
 * Writes a file whole or not at all: beside it as `<path>.partial`, flushed, then renamed over it. For the
 * owner's eyes only; what a killed run left is written over by the next one.
 */
export async function writeWhole(path: string, texts: AsyncIterable<string>): Promise<void> {
  const partial = `${path}.partial`
  await rm(partial, { force: true })
  try {
    await pipeline(texts, createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }))
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}
