import { afterEach, beforeEach, expect, test } from 'vitest'
import { startConversation } from '../support/conversation-operations.ts'
import { followReply, placeSent, questionInput, sendMessage } from '../support/reply-operations.ts'
import type { ScriptedCall } from '../support/scripted-model.ts'
import { type Service, startRedis } from '../support/services.ts'
import { storedTexts } from '../support/stored-texts.ts'
import { sharedStores, startWireNodes } from '../support/wire-nodes.ts'

const DELTAS = 50
/** Far longer than a delta takes on any machine: one that waited for Redis would take so long. */
const COMMAND_TIMEOUT_MS = 4_000

let redis: Service

beforeEach(async () => {
  redis = await startRedis()
})
afterEach(() => redis.stop())

const outages = {
  killed: () => redis.kill(),
  hung: () => redis.pause(),
}

test.each(['killed', 'hung'] as const)('a reply goes on as before while Redis is %s', async (outage) => {
  const env = { ...sharedStores(redis.url), REDIS_COMMAND_TIMEOUT_MS: String(COMMAND_TIMEOUT_MS) }
  const { nodes, model } = await startWireNodes(env)
  const [{ client }, other] = nodes
  const id = await startConversation(client)
  const stream = client.streamBySocket(sendMessage, { input: questionInput(id, 'hello') })
  const { replyId } = (await stream.next()).value.data.sendMessage
  const call = await model.nextCall()
  const reader = createReader(stream, call)
  const elsewhere = readAll(other.client.streamBySse(followReply, { id: replyId, after: null }))
  await reader.read(DELTAS)
  await outages[outage]()
  expect(await reader.read(DELTAS)).toBeLessThan(COMMAND_TIMEOUT_MS / 2)
  call.finish()
  call.end()
  const end = (await stream.next()).value.data.sendMessage
  expect(end).toMatchObject({ __typename: 'ReplyCompleted', message: { content: reader.text } })
  expect(await storedTexts(client, id)).toEqual(['hello', reader.text])
  const followed = await elsewhere
  expect(placeSent(followed)).toBe(reader.text)
  expect(followed.at(-1)).toMatchObject({ __typename: 'ReplyCompleted' })
  if (outage === 'hung') await redis.resume()
  else await redis.restart()
})

/** Sends a delta and waits until it is here, again and again; returns the longest time of one, in milliseconds. */
function createReader(stream: AsyncIterator<{ data: { sendMessage: { __typename: string } } }>, call: ScriptedCall) {
  let text = ''
  const readOne = async (delta: string): Promise<number> => {
    const sentAt = performance.now()
    call.text(delta)
    const { value } = await stream.next()
    const elapsed = performance.now() - sentAt
    expect(value.data.sendMessage).toMatchObject({ __typename: 'ReplyDelta', offset: text.length, text: delta })
    text += delta
    return elapsed
  }
  return {
    get text() {
      return text
    },
    async read(count: number): Promise<number> {
      const times: number[] = []
      for (let index = 0; index < count; index += 1) times.push(await readOne(` ${index} 👩‍🚀`))
      return Math.max(...times)
    },
  }
}

async function readAll(stream: AsyncIterable<{ data: { reply: { __typename: string } } }>) {
  const events = []
  for await (const { data } of stream) events.push(data.reply)
  return events
}
