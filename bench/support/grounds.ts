import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secantusdbName } from '../../test/support/secantusdb.ts'
import { type Service, startMongodb, startRedis } from '../../test/support/services.ts'
import type { Slicing } from './compare.ts'

export interface BenchOptions extends Slicing {
  /** Length of the long conversation in SQLite. */
  messages: number
  /** Length of the long conversation in MongoDB. */
  mongodbMessages: number
  /** Streams that are open at once. */
  streams: number
}

/** What the rows share: options, stores that start when one asks for them, and a place for remarks. */
export interface Grounds {
  options: BenchOptions
  redisUrl(): Promise<string>
  mongodbUrl(): Promise<string>
  /** A new directory that is gone in the end. */
  directory(): Promise<string>
  /** Said at once, and kept with the results. */
  note(text: string): void
  notes: readonly string[]
  close(): Promise<void>
}

export function createGrounds(options: BenchOptions): Grounds {
  const notes: string[] = []
  const directories: string[] = []
  let redis: Promise<Service> | undefined
  let mongodb: Promise<Service> | undefined

  function note(text: string): void {
    notes.push(text)
    console.log(text)
  }

  async function announced(starting: Promise<Service>): Promise<Service> {
    const service = await starting
    note(`on ${service.program}`)
    return service
  }

  return {
    options,
    notes,
    note,
    async redisUrl() {
      redis ??= announced(startRedis())
      return (await redis).url
    },
    async mongodbUrl() {
      mongodb ??= announced(startMongodb())
      return measuredUrl(await mongodb)
    },
    async directory() {
      const made = await mkdtemp(join(tmpdir(), 'backscroll-bench-'))
      directories.push(made)
      return made
    },
    async close() {
      for (const starting of [redis, mongodb]) await (await starting)?.stop()
      for (const made of directories) await rm(made, { recursive: true, force: true })
    },
  }
}

/** SecantusDB searches its last 10,000 retryable writes at each one. That takes 3 ms, and is no cost of what is measured. */
function measuredUrl({ url, program }: Service): string {
  return program.startsWith(secantusdbName) ? `${url}&retryWrites=false` : url
}
