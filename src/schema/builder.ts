import SchemaBuilder from '@pothos/core'
import ErrorsPlugin from '@pothos/plugin-errors'
import { GraphQLJSON } from 'graphql-scalars'
import type { Caller } from '../access/caller.ts'
import type { Chat } from '../chat/chat.ts'
import type { Loaders } from '../memory/loader.ts'
import type { Memory } from '../memory/memory.ts'
import type { Json } from '../memory/message.ts'
import type { EventLookups } from './conversation/event-lookups.ts'
import { createDateTime } from './date-time.ts'
import type { PageRoom } from './page-room.ts'
import type { ReplyLoaders } from './reply/reply-loaders.ts'

/** The conversations that one connection follows. */
export interface Following {
  /** Until the signal aborts; throws an error for the client when it follows this one too often. */
  add(conversationId: string, signal: AbortSignal): void
}

/** What the resolvers of one operation get as their context. */
export interface OperationContext {
  /** The caller's: whose conversations the operation may read and change. */
  ownerId: string
  caller: Caller
  /** The connection that the operation came by, unlike that of every other open one. */
  connectionId: string
  memory: Memory
  chat: Chat
  loaders: Loaders & ReplyLoaders
  /** Shared by all operations of this node. */
  lookups: EventLookups
  pages: PageRoom
  /** Where one connection may carry many streams: what it follows. */
  following?: Following
  /** Aborted when the client disconnects or the server stops: a subscription ends at once then. */
  controller: AbortController
}

/** What a field costs, by the estimate of a query, that looks something up in a store; most of them do so together. */
export const LOOKUP_COST = { weight: 5 }

/** The same for a message, which may be long, or for the text of a reply. */
export const MESSAGE_COST = { ...LOOKUP_COST, pages: 0.25 }

interface SchemaTypes {
  Context: OperationContext
  DefaultFieldNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date | number }
    JSON: { Input: Json; Output: unknown }
  }
}

/** The builder that every file of this folder adds its type to. */
export const builder = new SchemaBuilder<SchemaTypes>({
  defaultFieldNullability: false,
  plugins: [ErrorsPlugin],
  errors: {
    directResult: true,
    defaultUnionOptions: {
      name: ({ fieldName }) => `${fieldName.charAt(0).toUpperCase()}${fieldName.slice(1)}Result`,
    },
  },
})

builder.queryType({ description: 'What can be read.' })
builder.mutationType({
  description: 'What can be changed. Each field answers with its success or with an error that a client can act on.',
})
builder.subscriptionType({
  description:
    'What can be followed. The streams of replies never throw: whatever goes wrong is an event. `conversationEvents` is refused by an error before its first event when there is no such conversation for you; what goes wrong later is a ConversationReset.',
})

builder.addScalarType('DateTime', createDateTime(), {
  description: 'A time as RFC 3339 writes it, for instance 2026-07-01T12:00:00.000Z.',
})
builder.addScalarType('JSON', GraphQLJSON, { description: 'Any JSON value.' })
