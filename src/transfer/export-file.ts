import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { type Conversation, ROOT_BRANCH } from '../memory/conversation.ts'
import type { ConversationKey, History, MessageRun, SequenceRange } from '../memory/history/history.ts'
import type { Memory } from '../memory/memory.ts'
import type { Message } from '../memory/message.ts'
import { pathSegments } from '../memory/versions/branches.ts'
import { encodeConversation, encodeStoredMessage } from './backscroll/backscroll-conversation.ts'

/** JSON: one array of conversations. JSONL: one conversation a line. */
export type ExportFormat = 'json' | 'jsonl'

/** What an export has written so far, and at its end all of it. */
export interface ExportReport {
  conversations: number
  messages: number
  tokens: number
}

/** Where it reads. */
export interface ExportDeps {
  memory: Pick<Memory, 'listConversations' | 'readMessages'>
  history: Pick<History, 'readSequenceRange'>
}

const CONVERSATIONS_AT_ONCE = 100
const MESSAGES_AT_ONCE = 100
/** A message takes up to 8 MB. */
const MAX_LENGTH_AT_ONCE = 4_000_000

/**
 * Writes every conversation of an owner, archived ones included, with all that is stored of it, as `importFiles`
 * reads it: oldest activity first, one page in memory at a time. The file appears when all of it is written. Rejects
 * with the history's faults and those of the file system; then the old file stands as it was.
 */
export async function exportFile(
  deps: ExportDeps,
  path: string,
  { ownerId, format }: { ownerId: string; format: ExportFormat },
  onProgress: (report: Readonly<ExportReport>) => void,
): Promise<ExportReport> {
  const report: ExportReport = { conversations: 0, messages: 0, tokens: 0 }
  await writeWhole(path, exportTexts(deps, ownerId, format, report, onProgress))
  return report
}

/**
 * Writes a file whole or not at all: beside it as `<path>.partial`, flushed, then renamed over it. Only
 * its owner can read it. The next run removes what a killed one left.
 */
async function writeWhole(path: string, texts: AsyncIterable<string>): Promise<void> {
  const partial = `${path}.partial`
  await rm(partial, { force: true })
  try {
    await pipeline(texts, createWriteStream(partial, { flags: 'wx', mode: 0o600, flush: true }))
    await rename(partial, path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
}

async function* exportTexts(
  { memory, history }: ExportDeps,
  ownerId: string,
  format: ExportFormat,
  report: ExportReport,
  onProgress: (report: Readonly<ExportReport>) => void,
): AsyncGenerator<string> {
  if (format === 'json') yield '['
  for await (const conversation of listAll(memory, ownerId)) {
    if (format === 'json' && report.conversations > 0) yield ',\n'
    yield `${JSON.stringify(encodeConversation(conversation)).slice(0, -1)},"messages":[`
    yield* joinMessages(readPath(memory, conversation))
    if (conversation.branches.length > 0) {
      yield '],"otherVersions":['
      yield* joinMessages(readOthers(history, conversation))
    }
    yield format === 'json' ? ']}' : ']}\n'
    report.conversations++
    onProgress(report)
  }
  if (format === 'json') yield ']\n'

  async function* joinMessages(pages: AsyncIterable<Message[]>): AsyncGenerator<string> {
    let separator = ''
    for await (const messages of pages) {
      yield separator + messages.map((message) => JSON.stringify(encodeStoredMessage(message))).join(',')
      separator = ','
      report.messages += messages.length
      report.tokens += messages.reduce((sum, { tokens }) => sum + tokens, 0)
      onProgress(report)
    }
  }
}

/**
 * Oldest activity first: a conversation that goes on meanwhile moves ahead of the walk, never behind it. There it
 * is met a second time and left out.
 */
async function* listAll(memory: ExportDeps['memory'], ownerId: string): AsyncGenerator<Conversation> {
  const written = new Set<string>()
  for (const archived of [false, true]) {
    let older: ConversationKey | undefined
    for (;;) {
      const range = { ownerId, archived, limit: CONVERSATIONS_AT_ONCE, from: 'OLDEST' as const }
      const page = await memory.listConversations({ ...range, ...(older && { older }) })
      for (const { conversation } of page.toReversed()) {
        if (written.has(conversation.id)) continue
        written.add(conversation.id)
        yield conversation
      }
      older = page[0]?.key
      if (older === undefined) break
    }
  }
}

function readPath(memory: ExportDeps['memory'], conversation: Conversation): AsyncGenerator<Message[]> {
  return readPages(0, (range) => memory.readMessages(conversation, range))
}

/** What is on no active path, branch by branch. */
async function* readOthers(history: ExportDeps['history'], conversation: Conversation): AsyncGenerator<Message[]> {
  const { id: conversationId, branches, activeBranch } = conversation
  const onPath = new Map(pathSegments(conversation, activeBranch).map((segment) => [segment.branch, segment]))
  for (const { id: branch, atSequence } of [{ id: ROOT_BRANCH, atSequence: 1 }, ...branches]) {
    const begin = onPath.get(branch)?.belowSequence ?? atSequence
    // The end of the path is behind the last message of its branch.
    if (begin === Number.POSITIVE_INFINITY) continue
    yield* readPages(begin - 1, (range) => history.readSequenceRange({ conversationId, branch, ...range }))
  }
}

/** Both bounds are given and near: sequences have no gaps, and stores read far for an open range. */
async function* readPages(
  after: number,
  read: (range: Omit<SequenceRange, 'conversationId' | 'branch'>) => Promise<MessageRun>,
): AsyncGenerator<Message[]> {
  for (let afterSequence = after; ; ) {
    const bounds = { afterSequence, beforeSequence: afterSequence + MESSAGES_AT_ONCE + 1 }
    const most = { limit: MESSAGES_AT_ONCE, maxLength: MAX_LENGTH_AT_ONCE, from: 'OLDEST' as const }
    const { messages, isShortened } = await read({ ...bounds, ...most })
    const last = messages.at(-1)
    if (last === undefined) return
    yield messages
    if (messages.length < MESSAGES_AT_ONCE && !isShortened) return
    afterSequence = last.sequence
  }
}
