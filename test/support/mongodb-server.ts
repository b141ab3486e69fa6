import { MongoClient } from 'mongodb'
import type { ServerRecipe } from './child-service.ts'
import { dockerCommand, dockerContainer, dockerHas } from './docker-container.ts'
import { findProgram } from './find-program.ts'
import { localProgram } from './local-program.ts'
import type { Provision } from './provision.ts'
import { findSecantusdb, planSecantusdb, secantusdbName } from './secantusdb.ts'

const image = 'mongo:8'
const answerTimeoutMs = 2_000

/** Where `findMongodb` takes its server from, and what it installs for that. */
export async function planMongodb(): Promise<Provision> {
  const mongod = await findProgram(['mongod'])
  if (mongod) return { source: mongod }
  if (await dockerHas(image)) return { source: `Docker's ${image}` }
  return planSecantusdb()
}

/** Finds a server of MongoDB's protocol: mongod on the PATH, else as a container, else SecantusDB in a virtualenv. */
export async function findMongodb(): Promise<ServerRecipe> {
  const mongod = await findProgram(['mongod'])
  if (mongod) return mongodProgram(mongod)
  if (await dockerHas(image)) return mongodContainer()
  return secantusdbProgram(await findSecantusdb())
}

/** The version that the server at `url` reports; throws if it does not answer. */
export async function mongodbVersion(url: string): Promise<string> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: answerTimeoutMs, socketTimeoutMS: answerTimeoutMs })
  try {
    await client.db('admin').command({ ping: 1 })
    const { version } = await client.db('admin').command({ buildInfo: 1 })
    return String(version)
  } finally {
    await client.close()
  }
}

function mongodProgram(program: string): ServerRecipe {
  return {
    ...localProgram,
    name: 'mongod',
    command: ({ port, directory }) => {
      return [program, '--port', String(port), '--bind_ip', '127.0.0.1', '--dbpath', directory]
    },
    url: mongodbUrl,
    identify: async (url) => `mongod ${await mongodbVersion(url)}`,
  }
}

function mongodContainer(): ServerRecipe {
  const container = { image, port: 27017, dataDirectory: '/data/db', args: [] }
  return {
    ...dockerContainer,
    name: 'mongod',
    command: (place) => dockerCommand(container, place),
    url: mongodbUrl,
    identify: async (url) => `Docker ${image} ${await mongodbVersion(url)}`,
  }
}

/** Without `--sync-on-commit` it loses acknowledged writes when it is killed. */
function secantusdbProgram(program: string): ServerRecipe {
  return {
    ...localProgram,
    name: 'secantusdb',
    command: ({ port, directory }) => {
      const place = ['--host', '127.0.0.1', '--port', String(port), '--storage-path', directory]
      return [program, ...place, '--cache-size', '256M', '--sync-on-commit']
    },
    url: mongodbUrl,
    identify: async (url) => `${secantusdbName} (as MongoDB ${await mongodbVersion(url)})`,
  }
}

function mongodbUrl(port: number): string {
  return `mongodb://127.0.0.1:${port}/?directConnection=true`
}
