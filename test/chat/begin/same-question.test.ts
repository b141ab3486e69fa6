import { expect, test } from 'vitest'
import { startConversation } from '../../support/conversation-operations.ts'
import { TRANSPORTS } from '../../support/graphql-client.ts'
import { placeSent, questionInput, readSent, sendMessage } from '../../support/reply-operations.ts'
import { storedTexts } from '../../support/stored-texts.ts'
import { startWireNodes } from '../../support/wire-nodes.ts'

test('sent 50 times at once, by both transports to two nodes, a message is one question with one answer', async () => {
  const { nodes, model } = await startWireNodes()
  const id = await startConversation(nodes[0].client)
  const input = questionInput(id, 'Once?')
  const streams = Array.from({ length: 50 }, (_, index) => {
    const { client } = nodes[index % 2 === 0 ? 0 : 1]
    const transport = TRANSPORTS[index % 4 < 2 ? 0 : 1]
    return readSent(client.streamBy(transport, sendMessage, { input }))
  })
  const call = await model.nextCall()
  for (const word of ['Just', ' once', ' 👩‍🚀', '.']) {
    call.text(word)
    await expect.poll(async () => (await nodes[1].replies.findActive('local', id))?.text).toContain(word)
  }
  call.finish()
  call.end()
  const all = await Promise.all(streams)
  expect(all.map((events) => placeSent(events))).toEqual(Array(50).fill('Just once 👩‍🚀.'))
  const [first] = all
  for (const events of all) {
    expect(events[0]).toEqual(first?.[0])
    expect(events.at(-1)).toEqual(first?.at(-1))
    expect(events.filter(({ __typename }) => __typename === 'ReplyStarted')).toHaveLength(1)
  }
  expect(first?.at(-1)).toMatchObject({ __typename: 'ReplyCompleted' })
  expect(model.calls).toHaveLength(1)
  expect(await storedTexts(nodes[1].client, id)).toEqual(['Once?', 'Just once 👩‍🚀.'])
})

test.each(TRANSPORTS)('the same id with other content is rejected by %s, during the reply and after it', async (by) => {
  const { nodes, model } = await startWireNodes()
  const id = await startConversation(nodes[0].client)
  const input = questionInput(id, 'one')
  const first = readSent(nodes[0].client.streamBy(by, sendMessage, { input }))
  const call = await model.nextCall()
  const other = { ...input, content: 'other' }
  const rejection = [{ __typename: 'ReplyRejected', code: 'CLIENT_MESSAGE_ID_CONFLICT', replyId: null }]
  for (const { client } of nodes) {
    expect(await readSent(client.streamBy(by, sendMessage, { input: other }))).toMatchObject(rejection)
  }
  call.answer('1')
  expect((await first).at(-1)).toMatchObject({ __typename: 'ReplyCompleted' })
  for (const { client } of nodes) {
    expect(await readSent(client.streamBy(by, sendMessage, { input: other }))).toMatchObject(rejection)
  }
  expect(model.calls).toHaveLength(1)
  expect(await storedTexts(nodes[1].client, id)).toEqual(['one', '1'])
})
