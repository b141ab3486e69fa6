import { compare } from './support/compare.ts'
import { startBackscroll, startBareServer } from './support/edge-servers.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { createHttpLoad } from './support/http-load.ts'

const CONTEXT = { messages: 60, messageBytes: 200 }
const CLIENTS = 16
/** Requests of one run, so that most of its time all clients are busy. */
const BURST = 400
const TARGET = { atLeast: 0.6 }

/** A context that is cached, through HTTP and GraphQL, against a bare Node server: the share of its throughput. */
export async function measureEdge(grounds: Grounds): Promise<Finding[]> {
  const redisUrl = await grounds.redisUrl()
  const ours = await startBackscroll({ REDIS_URL: redisUrl, DATA_DIR: await grounds.directory() }, CONTEXT)
  const bare = await startBareServer(redisUrl, ours.request)
  const loads = await Promise.all([bare, ours].map(({ request }) => createHttpLoad(request, CLIENTS)))
  try {
    const [a, b] = loads.map((load) => () => load.run(BURST))
    if (a === undefined || b === undefined) throw new RangeError('Two loads')
    const what = `${CONTEXT.messages} messages over HTTP: throughput`
    const contenders = [
      { name: `bare, ${BURST} requests`, run: a },
      { name: `Backscroll, ${BURST} requests`, run: b },
    ] as const
    return [await compare(what, contenders, grounds.options, 'RATIO', TARGET)]
  } finally {
    for (const load of loads) load.close()
    await Promise.all([ours.stop(), bare.stop()])
  }
}
