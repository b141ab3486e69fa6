import { NotFoundError } from '../../errors.ts'
import { type HandOverParts, handOverSwitch } from '../append/hand-over.ts'
import type { Conversation } from '../conversation.ts'
import type { History } from '../history/history.ts'
import { placeOf } from '../ids.ts'
import type { Message } from '../message.ts'
import type { Writer } from '../writer.ts'
import { lastUsedBranch } from './branches.ts'
import { readReplaced } from './forks.ts'

/** What a selector is made of. */
export interface VersionSelectorParts extends Pick<HandOverParts, 'guard' | 'tell'> {
  history: Pick<History, 'findConversations' | 'findMessages' | 'switchBranch'>
  writer: Pick<Writer, 'run'>
}

/** A message and its conversation, on whose active path it is. */
export interface SelectedVersion {
  conversation: Conversation
  message: Message
}

/** Makes the path through a message active that was active last (protocol A3); NotFoundError without it. */
export async function selectVersion(
  parts: VersionSelectorParts,
  ownerId: string,
  messageId: string,
): Promise<SelectedVersion> {
  const { guard, history } = parts
  const { conversationId } = placeOf(messageId) ?? {}
  if (conversationId === undefined) throw new NotFoundError('message', messageId)
  /** It was the message that was asked for, not its conversation. */
  const asMissing = (error: unknown) => {
    throw error instanceof NotFoundError ? new NotFoundError('message', messageId) : error
  }
  for (;;) {
    const [conversation, message] = await readReplaced(history, ownerId, conversationId, messageId).catch(asMissing)
    const branch = lastUsedBranch(conversation, message)
    const { branchEpoch: fromEpoch, activeBranch: leftBranch, selectedEpochs } = conversation
    if (branch === undefined || branch === leftBranch) {
      // It is acknowledged here as well, and the mark of who selected it may still be under way.
      await guard.mark(conversationId, { epoch: fromEpoch, branch: leftBranch, sequence: 0 })
      return { conversation, message }
    }
    const toEpoch = fromEpoch + 1
    const marked = guard.mark(conversationId, { epoch: toEpoch, branch, sequence: 0 })
    const isSwitched = await history.switchBranch(ownerId, conversationId, { fromEpoch, toEpoch, branch })
    await marked
    if (!isSwitched) continue
    const epochs = { ...selectedEpochs, [branch]: toEpoch }
    const selected = { ...conversation, activeBranch: branch, branchEpoch: toEpoch, selectedEpochs: epochs }
    handOverSwitch(parts, selected, leftBranch)
    return { conversation: selected, message }
  }
}
