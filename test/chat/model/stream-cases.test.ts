import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createApp } from '../../../src/app.ts'
import { loadConfig } from '../../../src/config.ts'
import { playCase } from '../../support/case-conversation.ts'
import { type CaseServer, startCaseServer } from '../../support/case-server.ts'
import { createGraphqlClient, type GraphqlClient } from '../../support/graphql-client.ts'
import { createKeptLog } from '../../support/kept-log.ts'
import { type Cut, readStreamCases, type StreamCase } from '../../support/stream-case.ts'

/** Whatever the network cuts, the outcome is the same. */
const CUTS: readonly Cut[] = ['whole', 'in pieces', 'byte by byte']
const cases = readStreamCases(new URL('./cases/', import.meta.url))
/** By their settings. Each case has a model of its own: what is learned of it is of no other case. */
const apps = new Map<string, Promise<StartedApp>>()

interface StartedApp {
  client: GraphqlClient
  stop(): Promise<void>
}

let server: CaseServer
let dataDir: string

beforeAll(async () => {
  server = await startCaseServer()
  dataDir = await mkdtemp(join(tmpdir(), 'backscroll-cases-'))
})

afterAll(async () => {
  for (const app of apps.values()) await (await app).stop()
  await server.close()
  await rm(dataDir, { recursive: true })
})

// At once, since many of them wait for what does not come.
describe.each([...Map.groupBy(cases, ({ kind }) => kind)])('%s', (_, ofKind) => {
  test.concurrent.each(ofKind)('$id $title', async (one) => {
    const problems = await Promise.all(CUTS.map((cut) => play(one, cut)))
    expect(Object.fromEntries(CUTS.map((cut, index) => [cut, problems[index]]))).toEqual(NOTHING_WRONG)
  })
})

const NOTHING_WRONG = Object.fromEntries(CUTS.map((cut) => [cut, []]))

/** One that starts the product again has it for itself. */
async function play(one: StreamCase, cut: Cut): Promise<string[]> {
  const played = server.play(one, cut)
  const restarts = one.steps?.some(({ restart }) => restart) ?? false
  const ownDir = join(dataDir, played.model)
  let app = restarts ? await start(one, ownDir) : await sharedApp(one)
  try {
    const world = {
      played,
      get client() {
        return app.client
      },
      async restart() {
        await app.stop()
        app = await start(one, ownDir)
      },
    }
    return await playCase(world, one)
  } finally {
    if (restarts) await app.stop()
  }
}

function sharedApp(one: StreamCase): Promise<StartedApp> {
  const key = JSON.stringify(one.env ?? {})
  const app = apps.get(key) ?? start(one, join(dataDir, `shared-${apps.size}`))
  apps.set(key, app)
  return app
}

async function start(one: StreamCase, folder: string): Promise<StartedApp> {
  const settings = { PORT: '0', DATA_DIR: folder, OPENAI_BASE_URL: server.url, OPENAI_MODEL: 'm', ...one.env }
  const app = createApp(loadConfig(settings), createKeptLog())
  const client = createGraphqlClient(await app.start())
  return {
    client,
    async stop() {
      await client.close()
      await app.stop()
    },
  }
}
