import type { TestProject } from 'vitest/node'
import { mongodbVersion } from './mongodb-server.ts'
import { patientUrl } from './patient-mongodb.ts'
import { redisVersion } from './redis-server.ts'
import { startMongodb, startRedis } from './services.ts'

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string
    mongodbUrl: string
  }
}

interface SharedServer {
  url: string
  program: string
  stop(): Promise<void>
}

/**
 * Finds or starts the Redis and the MongoDB that all tests share; returns what stops them.
 * Where one cannot be started, nothing is left running.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = (await given('REDIS_URL', 'Redis', redisVersion)) ?? (await startRedis())
  const mongodb = await findOrStartMongodb().catch(async (error: unknown) => {
    await redis.stop()
    throw error
  })
  console.log(`The tests run on ${redis.program} and ${mongodb.program}.`)
  project.provide('redisUrl', redis.url)
  project.provide('mongodbUrl', patientUrl(mongodb.url))
  return async () => {
    await Promise.all([redis.stop(), mongodb.stop()])
  }
}

async function findOrStartMongodb(): Promise<SharedServer> {
  return (await given('MONGODB_URL', 'MongoDB', mongodbVersion)) ?? startMongodb()
}

/** The server that an environment variable names; it must answer, since nothing is skipped silently. */
async function given(
  variable: string,
  kind: string,
  version: (url: string) => Promise<string>,
): Promise<SharedServer | undefined> {
  const url = process.env[variable]
  if (!url) return undefined
  try {
    return { url, program: `${kind} ${await version(url)} (${variable})`, stop: async () => {} }
  } catch (cause) {
    throw new Error(`${variable} is set, but no ${kind} answers there.`, { cause })
  }
}
