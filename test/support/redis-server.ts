import { basename } from 'node:path'
import { Redis } from 'ioredis'
import type { ServerRecipe } from './child-service.ts'
import { canInstall, installPackages } from './debian-packages.ts'
import { dockerCommand, dockerContainer, dockerHas } from './docker-container.ts'
import { findProgram } from './find-program.ts'
import { localProgram } from './local-program.ts'
import type { Provision } from './provision.ts'

const image = 'redis:7'
const programs = ['redis-server', 'valkey-server']
const packages = ['redis-server']
const advice = 'redis-server or valkey-server, on the PATH, or Docker'
const commandTimeoutMs = 2_000

/** Where `findRedis` takes its Redis from, and what it installs for that. */
export async function planRedis(): Promise<Provision> {
  const found = await findProgram(programs)
  if (found) return { source: found }
  if (await dockerHas(image)) return { source: `Docker's ${image}` }
  return { source: 'redis-server', packages, advice }
}

/** Finds a Redis or Valkey: on the PATH, else as a container, else installed from Debian. */
export async function findRedis(): Promise<(args: string[]) => ServerRecipe> {
  const found = await findProgram(programs)
  if (found) return (args) => redisProgram(found, args)
  if (await dockerHas(image)) return redisContainer
  if (!(await canInstall())) {
    throw new Error(`The tests need Redis: ${advice}.`)
  }
  await installPackages(packages, async () => (await findProgram(programs)) !== undefined)
  const installed = await findProgram(programs)
  if (!installed) throw new Error('redis-server was installed, but it is not on the PATH.')
  return (args) => redisProgram(installed, args)
}

/** The version of the Redis at `url`; throws if it does not answer. */
export async function redisVersion(url: string): Promise<string> {
  const limits = { connectTimeout: commandTimeoutMs, commandTimeout: commandTimeoutMs, retryStrategy: () => null }
  const redis = new Redis(url, { ...limits, lazyConnect: true, maxRetriesPerRequest: 0 })
  redis.on('error', () => {}) // the command below fails with it
  try {
    await redis.connect()
    await redis.ping()
    const info = await redis.info('server')
    // Valkey reports the version of Redis that it is compatible with, too.
    const version = /valkey_version:(\S+)/.exec(info) ?? /redis_version:(\S+)/.exec(info)
    return version?.[1] ?? 'of unknown version'
  } finally {
    redis.disconnect()
  }
}

function redisProgram(program: string, args: string[]): ServerRecipe {
  const name = basename(program)
  return {
    ...localProgram,
    name,
    command: ({ port, directory }) => {
      const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory]
      return [program, ...place, '--save', '', ...args]
    },
    url: redisUrl,
    identify: async (url) => `${name} ${await redisVersion(url)}`,
  }
}

function redisContainer(args: string[]): ServerRecipe {
  const container = { image, port: 6379, dataDirectory: '/data', args: ['redis-server', '--save', '', ...args] }
  return {
    ...dockerContainer,
    name: 'redis',
    command: (place) => dockerCommand(container, place),
    url: redisUrl,
    identify: async (url) => `Docker ${image} ${await redisVersion(url)}`,
  }
}

function redisUrl(port: number): string {
  return `redis://127.0.0.1:${port}`
}
