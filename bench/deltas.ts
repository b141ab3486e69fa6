import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { type Contender, compare } from './support/compare.ts'
import type { Finding } from './support/finding.ts'
import type { Grounds } from './support/grounds.ts'
import { type HttpServer, startHttpServer } from './support/http-server.ts'

const MAIN = join(import.meta.dirname, '..', 'src', 'main.ts')
const PASS_THROUGH = join(import.meta.dirname, 'peers', 'pass-through.ts')
const FLOOD_MODEL = join(import.meta.dirname, 'support', 'flood-model.ts')
const DELTAS = 20_000
const END = 'That was all of it.'
const TARGET = { atLeast: 0.5 }
const SUBSCRIPTION = `subscription ($input: SendMessageInput!) {
  sendMessage(input: $input) { __typename replyId cursor ... on ReplyDelta { partIndex offset text } }
}`

/** One stream of a model that says as much as it is listened to, through Backscroll and through a bare proxy. */
export async function measureDeltas({ options, directory }: Grounds): Promise<Finding[]> {
  const servers: HttpServer[] = []
  const start = async (file: string, settings: Record<string, string>) => {
    const server = await startHttpServer(file, settings)
    servers.push(server)
    return server
  }
  try {
    const model = await start(FLOOD_MODEL, { DELTAS: String(DELTAS), END })
    const settings = { OPENAI_BASE_URL: `http://127.0.0.1:${model.port}/v1`, DATA_DIR: await directory() }
    const bare = await start(PASS_THROUGH, settings)
    const ours = await start(MAIN, settings)
    const sides = [
      reader('pass-through', bare.url, () => ({ model: 'flood', stream: true })),
      reader('Backscroll', ours.url, () => ({ query: SUBSCRIPTION, variables: { input: newQuestion() } })),
    ] as const
    const what = `${DELTAS.toLocaleString('en')} deltas flat out, to the last`
    return [await compare(what, sides, options, 'RATIO', TARGET)]
  } finally {
    for (const server of servers) await server.stop()
  }
}

function newQuestion() {
  return { externalId: randomUUID(), clientMessageId: randomUUID(), content: 'What is there to say?' }
}

/** Reads an event stream to the model's last words; the rest is untimed. */
function reader(name: string, url: string, body: () => object): Contender {
  const headers = { 'content-type': 'application/json', accept: 'text/event-stream' }
  let stream: AsyncIterator<Uint8Array> | undefined
  return {
    name,
    async run() {
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body()) })
      stream = response.body?.[Symbol.asyncIterator]()
      const end = Buffer.from(END)
      let tail: Uint8Array = Buffer.alloc(0)
      for (;;) {
        const { done, value } = (await stream?.next()) ?? { done: true }
        if (done) throw new Error(`${name} ended before the model did`)
        const bytes = Buffer.concat([tail, value])
        if (bytes.includes(end)) return
        tail = bytes.subarray(-end.length)
      }
    },
    async after() {
      while (!(await stream?.next())?.done);
    },
  }
}
