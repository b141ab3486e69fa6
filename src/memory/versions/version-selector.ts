import { NotFoundError } from '../../errors.ts'
import { type AfterAppendDeps, afterSwitch } from '../append/after-append.ts'
import type { Conversation } from '../conversation.ts'
import type { History } from '../history/history.ts'
import { placeOf } from '../ids.ts'
import type { Message } from '../message.ts'
import type { Writer } from '../writer.ts'
import { lastUsedBranch } from './branches.ts'
import { readReplaced } from './new-branch.ts'

/** What a selection reads and writes. */
export interface VersionSelectorDeps extends Pick<AfterAppendDeps, 'guard' | 'publish'> {
  history: Pick<History, 'findConversations' | 'findMessages' | 'switchBranch'>
  writer: Pick<Writer, 'run'>
}

/** A message and its conversation, on whose active path it is. */
export interface SelectedVersion {
  conversation: Conversation
  message: Message
}

/** Makes the path through a message active that was active last (protocol A3). Rejects with NotFoundError. */
export async function selectVersion(
  deps: VersionSelectorDeps,
  ownerId: string,
  messageId: string,
): Promise<SelectedVersion> {
  const { guard, history } = deps
  const { conversationId } = placeOf(messageId) ?? {}
  if (conversationId === undefined) throw new NotFoundError('message', messageId)
  /** The caller named the message, not its conversation. */
  function throwMessageMissing(error: unknown): never {
    throw error instanceof NotFoundError ? new NotFoundError('message', messageId) : error
  }
  for (;;) {
    const found = await readReplaced(history, ownerId, conversationId, messageId).catch(throwMessageMissing)
    const [conversation, message] = found
    const branch = lastUsedBranch(conversation, message)
    const { branchEpoch: fromEpoch, activeBranch: leftBranch, selectedEpochs } = conversation
    if (branch === undefined || branch === leftBranch) {
      // We acknowledge the selection too, so we mark it: the other's mark may still be under way.
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
    afterSwitch(deps, selected, leftBranch)
    return { conversation: selected, message }
  }
}
