import { describe, expect, test } from 'vitest'
import { startConversation } from '../../support/conversation-operations.ts'
import { createGraphqlClient, TRANSPORTS, type Transport } from '../../support/graphql-client.ts'
import { ask, cancelReply, sendMessage } from '../../support/reply-operations.ts'
import type { ScriptedCall, ScriptedModel } from '../../support/scripted-model.ts'
import { startRedis } from '../../support/services.ts'
import { storedTexts } from '../../support/stored-texts.ts'
import type { WireNode } from '../../support/wire-node.ts'
import { sharedStores, startWireNodes } from '../../support/wire-nodes.ts'

/** The machine may be busy with something else at some of them, but hardly at all. */
const TRIES = 20
const CHECKPOINT_MS = 1_000
const LEASE_MS = 3_000

describe.each(TRANSPORTS)('by %s', (transport) => {
  test.each(['leaves', 'breaks'] as const)('with CANCEL a client that %s stops its model call', async (how) => {
    const { nodes, model } = await startWireNodes()
    const leaveOne = async () => {
      const { id, call, leave } = await beginAndListen(nodes[0], model, transport, 'CANCEL')
      const leftAt = performance.now()
      const stopped = untilAborted(call)
      await leave(how)
      const elapsed = (await stopped) - leftAt
      await expect.poll(() => storedTexts(nodes[1].client, id)).toEqual(['hello', 'heard'])
      return elapsed
    }
    await expectWithin(50, `with CANCEL and ${transport} a client that ${how}`, leaveOne)
  })

  test('with CONTINUE a reply is finished and stored with nobody listening', async () => {
    const { nodes, model } = await startWireNodes()
    const { id, call, leave } = await beginAndListen(nodes[0], model, transport, 'CONTINUE')
    await leave('leaves')
    // Whoever left can do nothing more: the reply has several checkpoints without it.
    for (const word of [', and', ' goes', ' on']) {
      call.text(word)
      await expect.poll(async () => (await nodes[1].replies.findActive('local', id))?.text).toContain(word)
    }
    call.finish()
    call.end()
    await expect.poll(() => storedTexts(nodes[1].client, id)).toEqual(['hello', 'heard, and goes on'])
    expect(call.signal.aborted).toBe(false)
  })
})

test('cancelReply on the other node stops the model at once', async () => {
  const { nodes, model } = await startWireNodes(sharedStores(), { checkpointMs: CHECKPOINT_MS, leaseMs: LEASE_MS })
  await expectWithin(100, 'cancelReply on the other node', () => cancelElsewhere(nodes, model))
})

test('cancelReply on the other node stops the model within a lease interval while Redis is gone', async () => {
  const redis = await startRedis()
  const { nodes, model } = await startWireNodes(sharedStores(redis.url), {
    checkpointMs: CHECKPOINT_MS,
    leaseMs: LEASE_MS,
  })
  await redis.kill()
  const time = await cancelElsewhere(nodes, model)
  report('cancelReply on the other node, with Redis gone,', [time])
  expect(time).toBeLessThan(LEASE_MS)
  await redis.stop()
})

/** A reply of which the client has heard the first word, and how it goes away. */
async function beginAndListen(
  node: WireNode,
  model: ScriptedModel,
  transport: Transport,
  onDisconnect: 'CANCEL' | 'CONTINUE',
) {
  const id = await startConversation(node.client)
  const client = createGraphqlClient(node.origin)
  const stream = client.streamBy(transport, sendMessage, { input: ask(id, 'hello', { onDisconnect }) })
  const { replyId } = (await stream.next()).value.data.sendMessage
  const call = await model.nextCall()
  call.text('heard')
  expect((await stream.next()).value.data.sendMessage).toMatchObject({ __typename: 'ReplyDelta', text: 'heard' })
  const leave = async (how: 'leaves' | 'breaks') => {
    if (how === 'leaves') await stream.return()
    else if (transport === 'WebSocket') client.cutSocket()
    await client.close()
  }
  return { id, replyId: replyId ?? '', call, leave }
}

/** Milliseconds from the request at one node until the model of the other one is told. */
async function cancelElsewhere([here, there]: readonly WireNode[], model: ScriptedModel): Promise<number> {
  if (here === undefined || there === undefined) throw new TypeError('Two nodes are needed')
  const { id, replyId, call, leave } = await beginAndListen(here, model, 'SSE', 'CONTINUE')
  const askedAt = performance.now()
  const stopped = untilAborted(call)
  const { cancelReply: result } = await there.client.get(cancelReply, { id: replyId })
  expect(result.__typename).toBe('CancelReplySuccess')
  const elapsed = (await stopped) - askedAt
  await expect.poll(() => storedTexts(there.client, id)).toEqual(['hello', 'heard'])
  await leave('leaves')
  return elapsed
}

function untilAborted({ signal }: ScriptedCall): Promise<number> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(performance.now()), { once: true })
  })
}

/** Takes the time again while it is over the limit. */
async function expectWithin(limitMs: number, what: string, measure: () => Promise<number>): Promise<void> {
  const times: number[] = []
  do times.push(await measure())
  while (Math.min(...times) >= limitMs && times.length < TRIES)
  report(what, times)
  expect(Math.min(...times)).toBeLessThan(limitMs)
}

function report(what: string, times: readonly number[]): void {
  process.stdout.write(`${what} stopped the model after ${times.map((time) => time.toFixed(1)).join(', ')} ms\n`)
}
