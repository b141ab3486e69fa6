import type DataLoader from 'dataloader'
import type { Chat } from '../../chat/chat.ts'
import type { ReplyRecord } from '../../memory/history/reply-record.ts'
import { createLoader } from '../../memory/loader.ts'

/** Puts together the replies that the fields of one operation load. Undefined for a missing and for a foreign one alike. */
export interface ReplyLoaders {
  reply(id: string): Promise<ReplyRecord | undefined>
  activeReply(conversationId: string): Promise<ReplyRecord | undefined>
  lastReply(conversationId: string): Promise<ReplyRecord | undefined>
}

type Loader = DataLoader<string, ReplyRecord | undefined>

/** Loaders for one operation of one owner, each made when it is used first. They batch and do not remember. */
export function createReplyLoaders(chat: Chat, ownerId: string): ReplyLoaders {
  let byId: Loader | undefined
  let active: Loader | undefined
  let last: Loader | undefined

  function reply(id: string): Promise<ReplyRecord | undefined> {
    byId ??= createLoader((ids) => chat.findMany(ownerId, ids))
    return byId.load(id)
  }

  function activeReply(conversationId: string): Promise<ReplyRecord | undefined> {
    active ??= createLoader((ids) => chat.findActiveMany(ownerId, ids))
    return active.load(conversationId)
  }

  function lastReply(conversationId: string): Promise<ReplyRecord | undefined> {
    last ??= createLoader((ids) => chat.findLastMany(ownerId, ids))
    return last.load(conversationId)
  }

  return { reply, activeReply, lastReply }
}
