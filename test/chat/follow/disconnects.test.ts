import { describe, expect, test } from 'vitest'
import { startConversation } from '../../support/conversation-operations.ts'
import { createGraphqlClient, TRANSPORTS, type Transport } from '../../support/graphql-client.ts'
import { cancelReply, questionInput, sendMessage } from '../../support/reply-operations.ts'
import type { ScriptedCall, ScriptedModel } from '../../support/scripted-model.ts'
import { startRedis } from '../../support/services.ts'
import { storedTexts } from '../../support/stored-texts.ts'
import type { WireNode } from '../../support/wire-node.ts'
import { sharedStores, startWireNodes } from '../../support/wire-nodes.ts'

/** Longer than a test may take: a stop that waited for a checkpoint, a renewal or a heartbeat would never come. */
const LONG_INTERVALS = { checkpointMs: 600_000, leaseMs: 3_600_000, heartbeatMs: 600_000 }

describe.each(TRANSPORTS)('by %s', (transport) => {
  test.each(['leaves', 'breaks'] as const)('with CANCEL a client that %s stops its model call', async (how) => {
    const { nodes, model } = await startWireNodes(sharedStores(), LONG_INTERVALS)
    const { id, call, leave } = await beginAndListen(nodes[0], model, transport, 'CANCEL')
    const stopped = untilAborted(call)
    await leave(how)
    await stopped
    await expect.poll(() => storedTexts(nodes[1].client, id)).toEqual(['hello', 'heard'])
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
  const { nodes, model } = await startWireNodes(sharedStores(), LONG_INTERVALS)
  await cancelElsewhere(nodes, model)
})

test('cancelReply on the other node stops the model at its next checkpoint while Redis is gone', async () => {
  const redis = await startRedis()
  const { nodes, model } = await startWireNodes(sharedStores(redis.url), {
    ...LONG_INTERVALS,
    checkpointMs: 500,
  })
  await redis.kill()
  await cancelElsewhere(nodes, model)
  await redis.stop()
})

/** A reply of which the client has received the first word, and how it goes away. */
async function beginAndListen(
  node: WireNode,
  model: ScriptedModel,
  transport: Transport,
  onDisconnect: 'CANCEL' | 'CONTINUE',
) {
  const id = await startConversation(node.client)
  const client = createGraphqlClient(node.origin)
  const stream = client.streamBy(transport, sendMessage, { input: questionInput(id, 'hello', { onDisconnect }) })
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

/** Cancels a reply at the node that does not run it, and waits until its model has stopped. */
async function cancelElsewhere([here, there]: readonly WireNode[], model: ScriptedModel): Promise<void> {
  if (here === undefined || there === undefined) throw new TypeError('Two nodes are needed')
  const { id, replyId, call, leave } = await beginAndListen(here, model, 'SSE', 'CONTINUE')
  const stopped = untilAborted(call)
  const { cancelReply: result } = await there.client.get(cancelReply, { id: replyId })
  expect(result.__typename).toBe('CancelReplySuccess')
  await stopped
  await expect.poll(() => storedTexts(there.client, id)).toEqual(['hello', 'heard'])
  await leave('leaves')
}

function untilAborted({ signal }: ScriptedCall): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
