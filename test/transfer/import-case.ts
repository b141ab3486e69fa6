import { join } from 'node:path'
import { expect } from 'vitest'
import { toChatMessages } from '../../src/chat/chat-messages.ts'
import { IMPORT } from '../../src/commands/import.ts'
import { runTransfer } from '../../src/commands/transfer-command.ts'
import type { Conversation } from '../../src/memory/conversation.ts'
import { contentOf, type Message, type NewMessage } from '../../src/memory/message.ts'
import { readPathSequences } from '../../src/memory/read/path-sequences.ts'
import { versionsAt } from '../../src/memory/versions/branches.ts'
import { type MemoryNode, startMemoryNode } from '../support/memory-node.ts'
import { expectStrictChat } from '../support/strict-chat.ts'
import { createDirectory, writeTestFile } from '../support/transfer-stores.ts'

/** A file and the outcome that is wanted of its import. */
export interface ImportCase {
  id: string
  title: string
  /** Imported before, and what was said then. */
  before?: CaseFile
  append?: { role: 'USER' | 'ASSISTANT'; content: string }[]
  file: CaseFile
  env?: Record<string, string>
  /** The exit codes that are right. */
  exit: number[]
  /** Patterns of what the command says. */
  says?: string[]
  /** A second run stores nothing. */
  again?: boolean
  conversations: WantedConversation[]
  /** What a model is sent is what strict servers take. */
  chat?: boolean
  /** Texts that are no message's content. */
  notSaid?: string[]
  /** Texts that are nowhere. */
  nowhere?: string[]
}

type CaseFile = { name: string } & ({ value: unknown } | { text: string } | { base64: string })

interface WantedConversation {
  title?: string | null
  titleLike?: string
  archived?: boolean
  path?: WantedMessage[]
  paths?: WantedMessage[][]
  contains?: string[]
  lastContent?: string
  /** Contents of paths below other versions. */
  branches?: string[][]
  branchesHave?: string[]
  partsSomewhere?: object[]
}

interface WantedMessage {
  any?: number
  role?: string
  content?: string
  contentLike?: string
  contentHas?: string[]
  versions?: string[]
  versionSet?: string[]
  model?: string | null
  parts?: WantedPart[]
  partsHave?: WantedPart[]
}

type WantedPart = Record<string, unknown> & { argumentsHas?: string[]; outputHas?: string[] }

const OWNER = 'local'
const ALL = { afterSequence: 0, beforeSequence: Number.MAX_SAFE_INTEGER, limit: 10_000, from: 'OLDEST' as const }

/** Runs the command as people do, on an empty history, and looks at what is there then. */
export async function runCase(case_: ImportCase): Promise<void> {
  const dataDir = join(await createDirectory(), 'data')
  const environment = { ...case_.env, DATA_DIR: dataDir }
  const import_ = async (file: CaseFile) => {
    const said: string[] = []
    const say = (text: string) => void said.push(text)
    const args = [await writeTestFile(file.name, contentOfFile(file))]
    const exit = await runTransfer(IMPORT, { args, environment, print: say, printError: say })
    return { exit, said: said.join('\n') }
  }
  const open = () => startMemoryNode({ history: { sqlitePath: join(dataDir, 'backscroll.db') } })
  if (case_.before) await import_(case_.before)
  if (case_.append) await append(await open(), case_.append)
  const { exit, said } = await import_(case_.file)
  expect(case_.exit, said).toContain(exit)
  for (const pattern of case_.says ?? []) expect(said).toMatch(new RegExp(pattern, 'i'))
  if (case_.again) expect((await import_(case_.file)).said).toMatch(/: 0 stored/)
  const node = await open()
  const found = await readAll(node)
  expect(found.length).toBe(case_.conversations.length)
  for (const wanted of case_.conversations) await expectConversation(found, wanted)
  const messages = found.flatMap(({ all }) => all)
  for (const text of case_.notSaid ?? []) {
    const path = found.flatMap((each) => each.path)
    expect(path.filter(({ role, parts }) => role !== 'TOOL' && contentOf(parts).includes(text))).toEqual([])
  }
  const sent = found.map(({ path }) => toChatMessages(path))
  for (const text of case_.nowhere ?? []) expect(JSON.stringify([messages, sent])).not.toContain(text)
  if (case_.chat) for (const chat of sent) expectStrictChat(chat)
}

function contentOfFile(file: CaseFile): string | Buffer {
  if ('base64' in file) return Buffer.from(file.base64, 'base64')
  return 'text' in file ? file.text : JSON.stringify(file.value)
}

async function append({ memory, settle }: MemoryNode, said: NonNullable<ImportCase['append']>): Promise<void> {
  const [listed] = await memory.listConversations({ ownerId: OWNER, archived: false, limit: 1, from: 'NEWEST' })
  const messages = said.map(({ role, content }): NewMessage => ({ role, parts: [{ type: 'text', text: content }] }))
  await memory.appendMessages(OWNER, listed?.conversation.id ?? '', messages)
  await settle()
}

/** A conversation with its active path, all other paths, and all messages. */
interface Found {
  conversation: Conversation
  path: Message[]
  paths: Message[][]
  all: Message[]
}

async function readAll({ memory, history }: MemoryNode): Promise<Found[]> {
  const list = (archived: boolean) =>
    memory.listConversations({ ownerId: OWNER, archived, limit: 1_000, from: 'NEWEST' })
  const listed = [...(await list(false)), ...(await list(true))]
  return Promise.all(
    listed.map(async ({ conversation }) => {
      const { messages: path } = await memory.readMessages(conversation, ALL)
      const ends = ['0', ...conversation.branches.map(({ id }) => id)]
      const paths = await Promise.all(
        ends.map(async (end) => (await readPathSequences(history, conversation, end, ALL)).messages),
      )
      const all = [...new Map(paths.flat().map((message) => [message.id, message])).values()]
      return { conversation, path, paths, all }
    }),
  )
}

async function expectConversation(found: readonly Found[], wanted: WantedConversation): Promise<void> {
  const { title, titleLike, archived, contains = [], lastContent, branches = [], branchesHave = [] } = wanted
  const isIt = ({ conversation }: Found) =>
    titleLike === undefined
      ? (conversation.title ?? null) === title
      : new RegExp(titleLike).test(conversation.title ?? '')
  const it = found.find(isIt)
  if (it === undefined) throw new Error(`No conversation ${title ?? titleLike}`)
  if (archived !== undefined) expect(it.conversation.archivedAt !== undefined).toBe(archived)
  const contents = it.path.map(({ parts }) => contentOf(parts))
  expect(contents).toEqual(expect.arrayContaining(contains))
  if (lastContent !== undefined) expect(contents.at(-1)).toBe(lastContent)
  const pathContents = it.paths.map((path) => path.map(({ parts }) => contentOf(parts)))
  for (const branch of branches) {
    expect(pathContents.map((path) => path.slice(-branch.length))).toContainEqual(branch)
  }
  for (const content of branchesHave) expect(pathContents.flat()).toContain(content)
  for (const part of wanted.partsSomewhere ?? []) {
    expect(it.all.flatMap(({ parts }) => parts)).toContainEqual(expect.objectContaining(part))
  }
  const paths = wanted.paths ?? (wanted.path ? [wanted.path] : [])
  const faults = paths.map((path) => pathFault(it, path))
  if (faults.length > 0 && faults.every((fault) => fault !== undefined)) throw faults[0]
}

function pathFault(it: Found, wanted: readonly WantedMessage[]): Error | undefined {
  try {
    expect(it.path.map(({ parts }) => contentOf(parts))).toHaveLength(wanted.length)
    for (const [index, each] of wanted.entries()) expectMessage(it, it.path[index], each)
    return undefined
  } catch (error) {
    return error as Error
  }
}

function expectMessage({ conversation, all }: Found, message: Message | undefined, wanted: WantedMessage): void {
  if (message === undefined || wanted.any) return
  const content = contentOf(message.parts)
  const versions = versionsAt(conversation, message).map((id) =>
    contentOf(all.find((each) => each.id === id)?.parts ?? []),
  )
  if (wanted.role !== undefined) expect(message.role).toBe(wanted.role)
  if (wanted.content !== undefined) expect(content).toBe(wanted.content)
  if (wanted.contentLike !== undefined) expect(content).toMatch(new RegExp(wanted.contentLike, 'u'))
  for (const text of wanted.contentHas ?? []) expect(content).toContain(text)
  if (wanted.versions) expect(versions).toEqual(wanted.versions)
  if (wanted.versionSet) expect(versions.toSorted()).toEqual(wanted.versionSet.toSorted())
  if (wanted.model !== undefined) expect(message.model ?? null).toBe(wanted.model)
  if (wanted.parts) expect(message.parts).toEqual(wanted.parts.map(asPart))
  for (const part of wanted.partsHave ?? []) expect(message.parts).toContainEqual(asPart(part))
}

function asPart({ argumentsHas, outputHas, ...fields }: WantedPart) {
  const texts = { ...(argumentsHas && { arguments: argumentsHas }), ...(outputHas && { output: outputHas }) }
  const having = Object.entries(texts).map(([name, has]) => [name, expect.stringContaining(has.join(''))])
  return expect.objectContaining({ ...fields, ...Object.fromEntries(having) })
}
