import { expect, test } from 'vitest'
import { ROOT_BRANCH } from '../../../src/memory/conversation.ts'
import { startMemoryNode } from '../../support/memory-node.ts'
import { OWNER, readContext, startConversation } from '../../support/stored-conversation.ts'

const MESSAGE = { role: 'USER' as const, parts: [{ type: 'text' as const, text: 'hello' }] }

test('a switch that died after its mark ends within a minute or two, also where appends go on', async () => {
  const clock = { now: 1_700_000_000_000 }
  const node = await startMemoryNode({ now: () => clock.now })
  const id = await startConversation(node)
  await node.memory.appendMessages(OWNER, id, [MESSAGE])
  await node.guard.mark(id, { epoch: 1, branch: ROOT_BRANCH, sequence: 0 })
  const sources: string[] = []
  for (let round = 0; round < 4; round++) {
    await node.memory.appendMessages(OWNER, id, [MESSAGE])
    await node.settle()
    clock.now += 40_000
    sources.push((await readContext(node, id, 1_000)).source)
    await node.settle()
  }
  expect(sources.at(-1)).toBe('CACHE')
  const [conversation] = await node.memory.findConversations(OWNER, [id])
  expect(conversation).toMatchObject({ branchEpoch: 1, activeBranch: ROOT_BRANCH })
})
