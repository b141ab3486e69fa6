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

let server: CaseServer
let dataDir: string

beforeAll(async () => {
  server = await startCaseServer()
  dataDir = await mkdtemp(join(tmpdir(), 'backscroll-cases-'))
})

afterAll(async () => {
  await server.close()
  await rm(dataDir, { recursive: true })
})

describe.each([...Map.groupBy(cases, ({ kind }) => kind)])('%s', (_, ofKind) => {
  test.each(ofKind)('$id $title', async (one) => {
    for (const cut of CUTS) expect(await play(one, cut), cut).toEqual([])
  })
})

/** By an app of its own: what it learns of its server is of this case. */
async function play(one: StreamCase, cut: Cut): Promise<string[]> {
  server.play(one, cut)
  let app = await start(one)
  try {
    const world = {
      server,
      get client() {
        return app.client
      },
      async restart() {
        await app.stop()
        app = await start(one)
      },
    }
    return await playCase(world, one)
  } finally {
    await app.stop()
  }
}

async function start(one: StreamCase): Promise<{ client: GraphqlClient; stop(): Promise<void> }> {
  const settings = { PORT: '0', DATA_DIR: dataDir, OPENAI_BASE_URL: server.url, OPENAI_MODEL: 'm', ...one.env }
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
