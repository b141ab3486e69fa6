import DataLoader from 'dataloader'
import { ConversationUnreadableError, NotFoundError } from '../errors.ts'
import type { Context, ContextRequest } from './context.ts'
import { type Conversation, headHint } from './conversation.ts'
import type { Memory } from './memory.ts'
import type { Head, Message } from './message.ts'
import { createVersionIndex, type VersionIndex } from './versions/branches.ts'

/** Puts together what the fields of one operation load, so that many of them are one call of memory. Each rejects as memory does. */
export interface Loaders {
  /** Rejects with the error of this request alone. */
  context(request: Omit<ContextRequest, 'ownerId'>): Promise<Context>
  /** Undefined for a missing and for a foreign one alike. */
  conversation(id: string): Promise<Conversation | undefined>
  /** Rejects with NotFoundError instead. */
  existingConversation(id: string): Promise<Conversation>
  message(id: string): Promise<Message | undefined>
  /** The ids of all its versions, itself included, oldest first; itself alone where its conversation was deleted meanwhile. */
  versions(message: Message): Promise<string[]>
  /** Of the active path. Where its newest message cannot be read, what the conversation's hint says: no list is lost for it. */
  head(conversation: Conversation): Promise<Head>
}

/**
 * Loaders for one operation of one owner. They batch (github.com/graphql/dataloader) and do not
 * remember: an answer is never older than its question, so a subscription may keep them for hours. Each is
 * made when it is used first: a subscription of texts needs none, and four of them hold 1.5 kB. `maxLength` bounds the
 * characters of the messages that are loaded at once.
 */
export function createLoaders(memory: Memory, ownerId: string, maxLength?: number): Loaders {
  let contexts: ReturnType<typeof createContextLoader> | undefined
  let conversations: DataLoader<string, Conversation | undefined> | undefined
  let messages: DataLoader<string, Message | undefined> | undefined
  let versionLists: DataLoader<Message, string[]> | undefined
  let heads: DataLoader<Conversation, Head> | undefined

  function context(request: Omit<ContextRequest, 'ownerId'>): Promise<Context> {
    contexts ??= createContextLoader(memory)
    return contexts.load({ ...request, ownerId })
  }

  function conversation(id: string): Promise<Conversation | undefined> {
    conversations ??= createLoader((ids) => memory.findConversations(ownerId, ids))
    return conversations.load(id)
  }

  async function existingConversation(id: string): Promise<Conversation> {
    const found = await conversation(id)
    if (found === undefined) throw new NotFoundError('conversation', id)
    return found
  }

  function message(id: string): Promise<Message | undefined> {
    messages ??= createLoader((ids) => memory.findMessages(ownerId, ids, maxLength))
    return messages.load(id)
  }

  function versions(of: Message): Promise<string[]> {
    versionLists ??= new DataLoader((wanted) => findVersions(conversation, wanted), { cache: false })
    return versionLists.load(of)
  }

  function head(conversation: Conversation): Promise<Head> {
    heads ??= new DataLoader((wanted) => readHeads(memory, wanted), { cache: false })
    return heads.load(conversation)
  }

  return { context, conversation, existingConversation, message, versions, head }
}

/** All contexts of one operation in one `readContexts`. */
function createContextLoader(memory: Pick<Memory, 'readContexts'>): DataLoader<ContextRequest, Context> {
  return new DataLoader((requests) => memory.readContexts(requests), { cache: false })
}

/** A loader that batches and does not remember. Fields of one object load the same id: it is looked up once. */
export function createLoader<T>(find: (ids: readonly string[]) => Promise<T[]>): DataLoader<string, T> {
  return new DataLoader(
    async (wanted) => {
      const ids = [...new Set(wanted)]
      const found = await findEach(find, ids)
      const byId = new Map(ids.map((id, index) => [id, found[index] as T | Error]))
      return wanted.map((id) => byId.get(id) as T | Error)
    },
    { cache: false },
  )
}

/** Where one of a batch cannot be read, the others are found alone: the error is of that one only. */
async function findEach<T>(find: (ids: readonly string[]) => Promise<T[]>, ids: readonly string[]) {
  try {
    return await find(ids)
  } catch (error) {
    if (!(error instanceof ConversationUnreadableError)) throw error
    const alone = ids.map(async (id) => (await find([id]))[0] as T)
    return (await Promise.allSettled(alone)).map((result) =>
      result.status === 'fulfilled' ? result.value : (result.reason as Error),
    )
  }
}

/** One index of versions for all messages of a conversation. */
function findVersions(
  findConversation: Loaders['conversation'],
  wanted: readonly Message[],
): Promise<(string[] | Error)[]> {
  const indexes = new Map<string, Promise<VersionIndex>>()
  return Promise.all(
    wanted.map((message) => {
      const { conversationId } = message
      const index =
        indexes.get(conversationId) ??
        findConversation(conversationId).then((found) => createVersionIndex(found ?? { branches: [] }))
      indexes.set(conversationId, index)
      return index.then(
        (versionsAt) => versionsAt(message),
        (error: Error) => error,
      )
    }),
  )
}

/** One read for all; one that cannot be read leaves the others, and is as its hint says. */
async function readHeads(memory: Memory, wanted: readonly Conversation[]): Promise<Head[]> {
  const conversations = new Map(wanted.map((conversation) => [conversation.id, conversation]))
  const read = (ids: readonly string[]) => memory.readHeads(ids.flatMap((id) => conversations.get(id) ?? []))
  const ids = [...conversations.keys()]
  const heads: (Head | Error)[] = await findEach(read, ids)
  const byId = new Map(ids.map((id, index) => [id, heads[index]]))
  return wanted.map((conversation) => {
    const head = byId.get(conversation.id)
    return head instanceof Error || head === undefined ? headHint(conversation, conversation.activeBranch) : head
  })
}
