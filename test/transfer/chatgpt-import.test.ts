import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { HistoryUnavailableError } from '../../src/errors.ts'
import type { History } from '../../src/memory/history/history.ts'
import type { ExportedConversation } from '../support/chatgpt-export.ts'
import { EXPORTED_TALK, exportedConversation, said } from '../support/chatgpt-export.ts'
import { startImportedTree } from '../support/imported-tree.ts'
import { newMongodb } from '../support/memory-node.ts'
import { createDirectory } from '../support/transfer-stores.ts'

const PATHS = {
  answer: ['ask', 'answer'],
  sure: ['ask', 'again', 'more', 'sure'],
  broken: ['ask', 'again', 'more-edited', 'broken'],
  proof: ['ask', 'again', 'more-edited', 'proof'],
  third: ['ask', 'third'],
  done: ['ask-edited', 'thought', 'run', 'ran', 'plot', 'done'],
  found: ['ask-edited', 'thought', 'look', 'page', 'found'],
  dropped: ['ask-edited', 'thought', 'dropped'],
}
const MESSAGES = new Set(Object.values(PATHS).flat()).size
const BRANCHES = Object.keys(PATHS).length - 1

describe.each([
  ['the embedded history', () => ({})],
  ['MongoDB', () => ({ history: newMongodb() })],
])('a ChatGPT export in %s', (_, parts) => {
  test('is there with the path that ChatGPT shows, and with all others', async () => {
    const tree = await startImportedTree(parts())
    const report = await tree.importTalk(EXPORTED_TALK)
    expect(report).toMatchObject({ conversations: 1, messages: MESSAGES, stored: MESSAGES, refused: 0 })
    expect(await tree.readActive()).toEqual(PATHS.found)
    for (const [leaf, path] of Object.entries(PATHS)) expect(await tree.select(leaf)).toEqual(path)
  })

  test('has what was edited and regenerated as versions, oldest first', async () => {
    const tree = await startImportedTree(parts())
    await tree.importTalk(EXPORTED_TALK)
    expect(await tree.versionsOf('ask-edited')).toEqual(['ask', 'ask-edited'])
    expect(await tree.versionsOf('answer')).toEqual(['answer', 'again', 'third'])
    expect(await tree.versionsOf('more')).toEqual(['more', 'more-edited'])
    expect(await tree.versionsOf('proof')).toEqual(['broken', 'proof'])
    expect(await tree.versionsOf('dropped')).toEqual(['run', 'look', 'dropped'])
    expect(await tree.versionsOf('found')).toEqual(['found'])
  })

  test('is not stored twice, and a path that was selected since stays active', async () => {
    const tree = await startImportedTree(parts())
    await tree.importTalk(EXPORTED_TALK)
    await tree.select('sure')
    expect(await tree.importTalk(EXPORTED_TALK)).toMatchObject({ stored: 0, present: MESSAGES, refused: 0 })
    expect(await tree.readActive()).toEqual(PATHS.sure)
  })

  test('that grew since is added to, on each of its branches', async () => {
    const tree = await startImportedTree(parts())
    await tree.importTalk(EXPORTED_TALK)
    const grown = withMessages(EXPORTED_TALK, { thanks: 'answer', fourth: 'ask', bye: 'proof' })
    expect(await tree.importTalk({ ...grown, current_node: 'thanks' })).toMatchObject({ stored: 3, refused: 0 })
    expect(await tree.readActive()).toEqual([...PATHS.answer, 'thanks'])
    expect(await tree.select('bye')).toEqual([...PATHS.proof, 'bye'])
    expect(await tree.versionsOf('fourth')).toEqual(['answer', 'again', 'third', 'fourth'])
  })

  test('may have branches of many messages', async () => {
    const tree = await startImportedTree(parts())
    const chain = (name: string) =>
      Array.from({ length: 1_300 }, (_, index) => ({
        id: `${name}${index}`,
        ...(index > 0 && { parent: `${name}${index - 1}` }),
        message: said(index % 2 ? 'assistant' : 'user', `${name} ${index}`),
      }))
    const [long, edited] = [chain('a'), chain('b')]
    await tree.importTalk(exportedConversation([...long, ...edited], { current_node: 'a1299' }))
    expect(await tree.readActive()).toEqual(long.map(({ id }) => id))
    expect(await tree.select('b0')).toEqual(edited.map(({ id }) => id))
  })
})

test.each([
  ['before', false],
  ['behind', true],
])('an import that ends %s any of its writes is completed by the next one', async (_, isWritten) => {
  const writes = await countWrites()
  expect(writes).toBeGreaterThan(2 * BRANCHES)
  for (let last = 1; last <= writes; last++) {
    const failing = failAt(last, isWritten)
    const tree = await startImportedTree({ change: failing.change }, { retryMs: 1 })
    const importing = expect(tree.importTalk(EXPORTED_TALK), `write ${last}`)
    // Behind the last write nothing is left to do but to look.
    if (isWritten && last === writes) await importing.resolves.toMatchObject({ refused: 0 })
    else await importing.rejects.toThrow(HistoryUnavailableError)
    failing.repair()
    await tree.importTalk(EXPORTED_TALK)
    expect(await tree.readActive(), `write ${last}`).toEqual(PATHS.found)
    expect(await tree.importTalk(EXPORTED_TALK)).toMatchObject({ stored: 0, present: MESSAGES, refused: 0 })
    for (const [leaf, path] of Object.entries(PATHS)) expect(await tree.select(leaf)).toEqual(path)
    expect(await tree.versionsOf('answer')).toEqual(['answer', 'again', 'third'])
  }
})

test('a message that was appended since stands behind the branch that it was said on', async () => {
  const tree = await startImportedTree()
  await tree.importTalk(EXPORTED_TALK)
  const { conversationId } = await tree.find('found')
  await tree.node.memory.appendMessages('local', conversationId, [
    { role: 'USER', parts: [{ type: 'text', text: 'Thanks.' }] },
  ])
  expect(await tree.importTalk(EXPORTED_TALK)).toMatchObject({ stored: 0, refused: 0 })
  expect(await tree.readActive()).toEqual([...PATHS.found, 'Thanks.'])
})

test('an own export holds all of its versions, and is known again where the export of ChatGPT is', async () => {
  const tree = await startImportedTree()
  await tree.importTalk(EXPORTED_TALK)
  const path = join(await createDirectory(), 'out.jsonl')
  await tree.exportFile(path)
  const other = await startImportedTree()
  expect(await other.importFile(path)).toMatchObject({ stored: MESSAGES, refused: 0 })
  expect(await other.readActive()).toEqual(PATHS.found)
  for (const [leaf, ids] of Object.entries(PATHS)) expect(await other.select(leaf)).toEqual(ids)
  expect(await other.importTalk(EXPORTED_TALK)).toMatchObject({ stored: 0, present: MESSAGES, refused: 0 })
  expect(await tree.importFile(path)).toMatchObject({ stored: 0, present: MESSAGES, refused: 0 })
})

test('an archived conversation is archived, with its title and its times', async () => {
  const tree = await startImportedTree()
  const talk = exportedConversation([{ id: 'a', message: said('user', 'Hello') }], { id: 'one' })
  const archived = { ...talk, is_archived: true, update_time: 1_722_886_500.5, conversation_id: 'two' }
  await tree.importTalk(archived)
  expect(await tree.readAll()).toMatchObject([
    {
      conversation: { externalId: 'chatgpt:two', title: 'A talk', archivedAt: 1_722_886_500_500 },
      messages: [{ role: 'USER', createdAt: 1_722_886_412_250, clientMessageId: 'import:a' }],
    },
  ])
})

test('conversations of both formats with one id do not meet', async () => {
  const tree = await startImportedTree()
  const talk: ExportedConversation = exportedConversation([{ id: 'a', message: said('user', 'Hello') }])
  await tree.importTalk(talk)
  const flat = { ...talk, mapping: undefined, messages: [{ role: 'user', content: 'Hi' }] }
  await tree.importTalk(flat as unknown as ExportedConversation)
  expect((await tree.readAll()).map(({ messages }) => messages.length)).toEqual([1, 1])
})

/** With more messages, each the newest one below another. */
function withMessages(talk: ExportedConversation, parents: Record<string, string>): ExportedConversation {
  const mapping = structuredClone(talk.mapping)
  for (const [id, parent] of Object.entries(parents)) {
    mapping[id] = { id, parent, children: [], message: said('user', id) }
    mapping[parent]?.children.push(id)
  }
  return { ...talk, mapping }
}

async function countWrites(): Promise<number> {
  const counting = failAt(Number.POSITIVE_INFINITY, false)
  await (await startImportedTree({ change: counting.change })).importTalk(EXPORTED_TALK)
  return counting.writes()
}

/** Fails one of the writes that put messages and branches in their places, and all after it until it is repaired. */
function failAt(last: number, isWritten: boolean) {
  let writes = 0
  let isRepaired = false
  const failing = async <T>(write: () => Promise<T>): Promise<T> => {
    writes++
    if (writes < last || isRepaired) return write()
    if (writes === last && isWritten) await write()
    throw new HistoryUnavailableError(new Error('Cut off'))
  }
  const repair = () => {
    isRepaired = true
  }
  const change = (history: History): Partial<History> => ({
    insertMessages: (...call) => failing(() => history.insertMessages(...call)),
    switchBranch: (...call) => failing(() => history.switchBranch(...call)),
  })
  return { change, repair, writes: () => writes }
}
