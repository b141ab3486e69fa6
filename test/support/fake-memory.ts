import { setImmediate as turn } from 'node:timers/promises'
import { ClientMessageIdConflictError, ExternalIdTakenError, NotFoundError } from '../../src/errors.ts'
import type { Context, ContextRequest } from '../../src/memory/context.ts'
import type { Conversation, ConversationChanges } from '../../src/memory/conversation.ts'
import type { ConversationChange, ConversationEvent } from '../../src/memory/conversation-events.ts'
import { createConversationId, messageId } from '../../src/memory/ids.ts'
import * as limits from '../../src/memory/limits.ts'
import type { Memory } from '../../src/memory/memory.ts'
import { contentOf, type Message } from '../../src/memory/message.ts'
import { cutWindow } from '../../src/memory/window.ts'

const bounds = { maxContextTokens: 200_000, maxMessageBytes: 1_048_576 }

/** Memory in arrays, until the real one can be put together. Four tokens a message and one a word. */
export function createFakeMemory(): Memory {
  const conversations = new Map<string, Conversation>()
  const messages = new Map<string, Message[]>()
  const logs = new Map<string, ConversationEvent[]>()
  const wakes = new Set<() => void>()

  const owned = (ownerId: string, id: string) => {
    const found = conversations.get(id)
    return found?.ownerId === ownerId ? found : undefined
  }
  const need = (ownerId: string, id: string) => {
    const found = owned(ownerId, id)
    if (found === undefined) throw new NotFoundError('conversation', id)
    return found
  }
  const tell = (id: string, changes: ConversationChange[]) => {
    const log = logs.get(id) ?? []
    logs.set(id, log)
    for (const change of changes) log.push({ ...change, cursor: String(log.length + 1) })
    for (const wake of wakes) wake()
  }
  const headOf = (id: string) => {
    const newest = messages.get(id)?.at(-1)
    return newest
      ? { sequence: newest.sequence, tokens: newest.tokenStart + newest.tokens }
      : { sequence: 0, tokens: 0 }
  }
  const read = (request: ContextRequest): Context | Error => {
    try {
      limits.checkContextRequest(request, bounds)
      const { id } = need(request.ownerId, request.conversationId)
      const { rows, ...report } = cutWindow(messages.get(id) ?? [], headOf(id), request)
      return {
        conversationId: id,
        messages: rows,
        maxTokens: request.maxTokens,
        tokensExact: true,
        source: 'HISTORY',
        ...report,
      }
    } catch (error) {
      return error as Error
    }
  }
  const find = (ownerId: string, id: string) =>
    [...messages.values()].flat().find((message) => message.id === id && owned(ownerId, message.conversationId))

  return {
    readContexts: async (requests) => requests.map(read),
    async createConversation(ownerId, input, ifExists) {
      limits.checkNewConversation(input, Date.now())
      const old = [...conversations.values()].find(
        (c) => input.externalId !== undefined && c.externalId === input.externalId,
      )
      if (old && ifExists === 'FAIL') throw new ExternalIdTakenError(input.externalId ?? '', old.id)
      if (old) return { conversation: old, created: false }
      const now = Date.now()
      const place = { branches: [], activeBranch: '0', branchEpoch: 0, heads: {}, createdAt: now, lastMessageAt: now }
      const conversation: Conversation = {
        encoding: 'o200k_base',
        ...input,
        id: createConversationId(),
        ownerId,
        ...place,
      }
      conversations.set(conversation.id, conversation)
      messages.set(conversation.id, [])
      return { conversation, created: true }
    },
    async updateConversation(ownerId, id, changes) {
      limits.checkChanges(changes, Date.now())
      const conversation = { ...need(ownerId, id) } as Conversation & ConversationChanges
      for (const [key, value] of Object.entries(changes)) Object.assign(conversation, { [key]: value ?? undefined })
      conversations.set(id, conversation as Conversation)
      tell(id, [{ type: 'ConversationChanged' }])
      return conversation as Conversation
    },
    async deleteConversation(ownerId, id) {
      need(ownerId, id)
      conversations.delete(id)
      messages.delete(id)
      tell(id, [{ type: 'ConversationDeleted' }])
    },
    findConversations: async (ownerId, ids) => ids.map((id) => owned(ownerId, id)),
    findConversationByExternalId: async (ownerId, externalId) =>
      [...conversations.values()].find((c) => c.ownerId === ownerId && c.externalId === externalId),
    async listConversations({ ownerId, archived, newer, older, limit, from }) {
      const key = (c: { lastMessageAt: number; id: string }) => `${String(c.lastMessageAt).padStart(15, '0')} ${c.id}`
      const listed = [...conversations.values()]
        .filter((c) => c.ownerId === ownerId && (c.archivedAt !== undefined) === archived)
        .filter((c) => (!newer || key(c) > key(newer)) === true || !newer)
        .filter((c) => (!newer || key(c) > key(newer)) && (!older || key(c) < key(older)))
        .sort((a, b) => (key(a) < key(b) ? 1 : -1))
      return from === 'NEWEST' ? listed.slice(0, limit) : listed.slice(Math.max(0, listed.length - limit))
    },
    readHead: async ({ id }) => headOf(id),
    async appendMessages(ownerId, conversationId, drafts) {
      limits.checkNewMessages(drafts, bounds)
      const conversation = need(ownerId, conversationId)
      const list = messages.get(conversationId) ?? []
      const stored: Message[] = []
      const all = drafts.map((draft) => {
        const old = list.find((m) => draft.clientMessageId !== undefined && m.clientMessageId === draft.clientMessageId)
        if (old && contentOf(old.parts) !== contentOf(draft.parts)) {
          throw new ClientMessageIdConflictError(draft.clientMessageId ?? '', old.id)
        }
        if (old) return old
        const { sequence, tokens: tokenStart } = headOf(conversationId)
        const tokens = 4 + contentOf(draft.parts).split(/\s+/).filter(Boolean).length
        const place = { branch: '0', sequence: sequence + 1, tokens, tokenStart }
        const id = messageId(conversationId, '0', sequence + 1)
        const message: Message = { id, conversationId, status: 'COMPLETE', createdAt: Date.now(), ...draft, ...place }
        list.push(message)
        stored.push(message)
        return message
      })
      const newest = headOf(conversationId)
      const changed = { ...conversation, lastMessageAt: Date.now(), heads: { '0': newest } }
      conversations.set(conversationId, changed)
      tell(
        conversationId,
        stored.map(({ id }) => ({ type: 'MessageAppended', messageId: id })),
      )
      return { conversation: changed, messages: all, stored }
    },
    async readMessages({ id }, { afterSequence, beforeSequence, limit, from }) {
      const range = (messages.get(id) ?? []).filter((m) => m.sequence > afterSequence && m.sequence < beforeSequence)
      return from === 'OLDEST' ? range.slice(0, limit) : range.slice(Math.max(0, range.length - limit))
    },
    findMessages: async (ownerId, ids) => ids.map((id) => find(ownerId, id)),
    async updateMessage(ownerId, id, metadata) {
      if (metadata !== null) limits.checkMetadata('metadata', metadata)
      const message = find(ownerId, id)
      if (message === undefined) throw new NotFoundError('message', id)
      delete message.metadata
      if (metadata !== null) message.metadata = metadata
      tell(message.conversationId, [{ type: 'MessageChanged', messageId: id }])
      return message
    },
    async subscribe(ownerId, conversationId, after, signal) {
      need(ownerId, conversationId)
      let seen = after === undefined ? (logs.get(conversationId)?.length ?? 0) : Number(after)
      async function* events(): AsyncGenerator<ConversationEvent> {
        while (!signal.aborted) {
          const next = logs.get(conversationId)?.[seen]
          if (next === undefined) {
            await new Promise<void>((resolve) => {
              wakes.add(resolve)
              signal.addEventListener('abort', () => resolve(), { once: true })
            })
          } else {
            seen += 1
            yield next
            if (next.type === 'ConversationDeleted') return
          }
        }
      }
      return events()
    },
    sweep: async () => undefined,
    drain: async () => turn(),
  }
}
