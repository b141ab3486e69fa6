import { expect } from 'vitest'
import type { Consistency, ContextSource } from '../../src/memory/context.ts'
import type { Message } from '../../src/memory/message.ts'
import type { MemoryNode } from './memory-node.ts'
import { newestWithin, OWNER, readContext, startConversation, textOf } from './stored-conversation.ts'

/** A conversation with a plain list of what was acknowledged, against which every answer is checked. */
export interface CheckedConversation {
  conversationId: string
  /** What was acknowledged, oldest first. */
  messages: readonly Message[]
  append(): Promise<void>
  /** Reads, and checks that nothing is missing that was acknowledged before, and nothing is there that is not next. */
  read(how?: CheckedRead): Promise<ContextSource>
  /** Appends and reads side by side until the work is done. */
  during(work: () => Promise<unknown>): Promise<void>
}

export interface CheckedRead {
  maxTokens?: number
  consistency?: Consistency
  /** Another node than the one that appends. */
  node?: Pick<MemoryNode, 'memory'>
}

const BUDGET = 400
const READERS = 4

/** A new conversation, appended to by one node. */
export async function startCheckedConversation(appender: Pick<MemoryNode, 'memory'>): Promise<CheckedConversation> {
  const conversationId = await startConversation(appender)
  const messages: Message[] = []
  let sent = 0

  async function append(): Promise<void> {
    sent += 1
    const text = `message ${sent} ${'x'.repeat(sent % 40)}`
    const draft = { role: 'USER' as const, parts: [{ type: 'text' as const, text }] }
    const { stored } = await appender.memory.appendMessages(OWNER, conversationId, [draft])
    messages.push(...stored)
  }

  async function read({ maxTokens = BUDGET, consistency = 'EVENTUAL', node = appender }: CheckedRead = {}) {
    const acknowledged = messages.length
    const context = await readContext(node, conversationId, maxTokens, consistency)
    const last = context.messages.at(-1)?.sequence ?? 0
    expect(last).toBeGreaterThanOrEqual(acknowledged)
    // The newest one may have been read before its append was acknowledged.
    await expect.poll(() => messages.length).toBeGreaterThanOrEqual(last)
    expect(context.messages.map(textOf)).toEqual(newestWithin(messages.slice(0, last), maxTokens).map(textOf))
    return context.source
  }

  return {
    conversationId,
    messages,
    append,
    read,
    async during(work) {
      let isDone = false
      const untilDone = async (step: () => Promise<unknown>) => {
        while (!isDone) await step()
      }
      const traffic = [untilDone(append), ...Array.from({ length: READERS }, () => untilDone(() => read()))]
      const end = () => {
        isDone = true
      }
      await Promise.all([work().finally(end), ...traffic.map((each) => each.finally(end))])
    },
  }
}
