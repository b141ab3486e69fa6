import type { MessageDraft } from '../memory/message.ts'
import type { TurnOptions } from './reply-turn.ts'

export type BusyPolicy = 'REJECT' | 'SUPERSEDE' | 'QUEUE'
export type DisconnectPolicy = 'CONTINUE' | 'CANCEL'

/** What a send asks for, checked. */
export interface NewReply extends TurnOptions {
  conversationId: string
  question: MessageDraft & { clientMessageId: string }
  onBusy: BusyPolicy
  onDisconnect: DisconnectPolicy
}
