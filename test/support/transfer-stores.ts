import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Conversation } from '../../src/memory/conversation.ts'
import type { History } from '../../src/memory/history/history.ts'
import type { Memory } from '../../src/memory/memory.ts'
import type { Message } from '../../src/memory/message.ts'
import { exportFile } from '../../src/transfer/export-file.ts'
import { importFiles } from '../../src/transfer/import-files.ts'
import type { ImportReport } from '../../src/transfer/import-record.ts'
import { openSources } from '../../src/transfer/read/source-files.ts'
import type { RetryDeps } from '../../src/transfer/store/retries.ts'
import { startTestMemory } from './test-memory.ts'

const ownerId = 'local'

/** An empty memory, and what imports into it and exports from it. */
export interface TransferStores {
  importFile(...paths: string[]): Promise<ImportReport>
  exportFile(path: string): Promise<void>
  /** Every conversation, the oldest first, with its messages. */
  readAll(): Promise<{ conversation: Conversation; messages: Message[] }[]>
}

/** Ends with the test. */
export async function startTransferStores(maxMessageBytes = 1_048_576): Promise<TransferStores> {
  return startTransferMemory(maxMessageBytes)
}

/** The same with its memory. */
export async function startTransferMemory(maxMessageBytes?: number): Promise<TransferStores & { memory: Memory }> {
  const { memory, history, stop } = await startTestMemory()
  onTestFinished(stop)
  return { ...transferStoresOf({ memory, history }, maxMessageBytes), memory }
}

/** What imports into a memory that a test has, and exports from it. */
export function transferStoresOf(
  { memory, history }: { memory: Memory; history: History },
  maxMessageBytes = 1_048_576,
  retries: RetryDeps = {},
): TransferStores {
  const writer = { depth: 0, drain: memory.drain }
  return {
    async importFile(...paths) {
      const sources = await openSources(paths)
      const deps = { memory, history, writer, now: Date.now, ...retries }
      return importFiles(deps, sources.files, { ownerId, maxMessageBytes }, () => {}).finally(sources.close)
    },
    async exportFile(path) {
      const format = path.endsWith('.json') ? 'json' : 'jsonl'
      await exportFile({ memory, history }, path, { ownerId, format }, () => {})
    },
    async readAll() {
      const range = { ownerId, limit: 1_000, from: 'NEWEST' as const }
      const lists = [
        memory.listConversations({ ...range, archived: false }),
        memory.listConversations({ ...range, archived: true }),
      ]
      const listed = (await Promise.all(lists)).flat()
      const conversations = listed.map(({ conversation }) => conversation).sort((a, b) => a.id.localeCompare(b.id))
      const all = { afterSequence: 0, beforeSequence: Number.MAX_SAFE_INTEGER, limit: 10_000, from: 'OLDEST' as const }
      return await Promise.all(
        conversations.map(async (conversation) => ({
          conversation,
          messages: (await memory.readMessages(conversation, all)).messages,
        })),
      )
    },
  }
}

/** A directory of the test's own. */
export async function createDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'backscroll-transfer-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** A file in a directory of the test's own. */
export async function writeTestFile(name: string, content: string | Buffer): Promise<string> {
  const path = join(await createDirectory(), name)
  await writeFile(path, content)
  return path
}
