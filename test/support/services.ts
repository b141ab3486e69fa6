import { type ChildService, startChildService } from './child-service.ts'
import { findMongodb } from './mongodb-server.ts'
import { findRedis } from './redis-server.ts'

/** A server process that belongs to whoever started it: `pause` is SIGSTOP, `kill` SIGKILL, `restart` the same place. */
export type Service = ChildService

/** Starts a Redis of its own on a free port, with further `args` for the server; it keeps nothing unless they say so. */
export async function startRedis(args: string[] = []): Promise<Service> {
  const redis = await findRedis()
  return startChildService(redis(args))
}

/** Starts a MongoDB of its own on a free port; what it acknowledged with `journal: true` survives `kill`. */
export async function startMongodb(): Promise<Service> {
  return startChildService(await findMongodb())
}
