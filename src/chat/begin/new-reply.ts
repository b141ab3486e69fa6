import type { MessageDraft } from '../../memory/message.ts'
import type { TurnOptions } from '../run/reply-turn.ts'

/** What a send does while another reply of its conversation is active. */
export type BusyPolicy = 'REJECT' | 'SUPERSEDE' | 'QUEUE'
/** What becomes of a reply when the subscriber that asked for it goes away. */
export type DisconnectPolicy = 'CONTINUE' | 'CANCEL'

/** What a send asks for, checked. */
export interface NewReply extends TurnOptions {
  conversationId: string
  clientMessageId: string
  /** Under the same client id; absent: the reply answers the message before the one it replaces, or the newest. */
  question?: MessageDraft
  /** The message whose place the question takes, or without one the reply. */
  replaces?: string
  onBusy: BusyPolicy
  onDisconnect: DisconnectPolicy
}
