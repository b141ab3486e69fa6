import { createHash } from 'node:crypto'
import { BadUserInputError } from '../../errors.ts'
import type { AppendTarget } from '../../memory/append/appender.ts'
import { type Conversation, type ConversationChanges, headHint, ROOT_BRANCH } from '../../memory/conversation.ts'
import { batchMessages } from '../../memory/history/message-batches.ts'
import { idempotencyKey } from '../../memory/history/stored-draft.ts'
import { messageId } from '../../memory/ids.ts'
import { canonicalJson } from '../../memory/input/canonical-json.ts'
import type { Message } from '../../memory/message.ts'
import { isListed, MAX_BRANCHES } from '../../memory/versions/branches.ts'
import type { FileBranch, FileConversation, PlacedMessage } from '../file-conversation.ts'
import type { Notes } from '../notes.ts'
import { findOrCreate, notAfter } from './find-conversation.ts'
import {
  draftOf,
  type Found,
  findBehind,
  findStored,
  type ImporterDeps,
  type StoredBatch,
  type Storing,
} from './stored-messages.ts'

/** About as many characters as a store takes in one write. Each message counts 500, so a batch has at most 1,000 messages. */
const BATCH_LENGTH = 500_000
/** With more background jobs than this the import waits, since the writer drops jobs when it is full. */
const MAX_WRITER_DEPTH = 100
const DRAIN_MS = 60_000
const DIGEST_LENGTH = 12

/**
 * Stores a conversation branch by branch, under ids that the file determines: what is there already is left as it is.
 * What goes on behind a message that something else follows by now begins a branch of its own; a message that was half
 * written becomes a version, with what follows it. Whether it is archived and which path is active is set by the run
 * that stores its last message, and never again; what the file has is older than what is here shows nothing of itself.
 * `madeAt` is the newest time of what this run has made of it until now: then title and archive follow what is newer.
 * Rejects with the history's faults; batches stored until then stay, and with the same `attempts` it goes on behind them.
 */
export async function storeConversation(
  deps: ImporterDeps,
  file: FileConversation,
  ownerId: string,
  notes: Notes,
  onStored: (stored: StoredBatch) => void,
  madeAt?: number,
  attempts: Attempts = startAttempts(),
): Promise<{ isCreated: boolean }> {
  const { memory, now } = deps
  const { conversation, created } = await findOrCreate(memory, file, ownerId, notes, now())
  const { stored, variants } = attempts
  attempts.isCreated ||= created
  attempts.hasStored ||= created
  const count = (batch: StoredBatch) => {
    attempts.hasStored ||= batch.stored > 0
    onStored(batch)
  }
  const storing: Storing = { file, ownerId, conversation, isNew: created, notes, stored, variants, onStored: count }
  const shown = isOlder(file, conversation, madeAt, now()) ? await readShown(memory, conversation) : undefined
  for (const branch of inOrder(file, conversation)) await storeBranch(deps, storing, branch)
  const { hasStored, isCreated } = attempts
  if (shown === undefined) await showAsIn(deps, storing, hasStored, madeAt !== undefined)
  else if (hasStored) await memory.selectVersion(ownerId, shown.id)
  return { isCreated }
}

/** What is shown comes first where there may not be room for all that is new. */
function inOrder({ branches }: FileConversation, { branches: listed }: Conversation): readonly FileBranch[] {
  if (listed.length + branches.length <= MAX_BRANCHES + 1) return branches
  return branches.toSorted((one, other) => Number(other.isShown ?? false) - Number(one.isShown ?? false))
}

/** What the attempts to store one conversation have done together. */
interface Attempts extends Pick<Storing, 'stored' | 'variants'> {
  isCreated: boolean
  hasStored: boolean
}

/** Before the first of them. */
export function startAttempts(): Attempts {
  return { stored: new Map(), variants: new Map(), isCreated: false, hasStored: false }
}

/** Makes active what the file shows, and the conversation what else the file says of it. */
async function showAsIn(deps: ImporterDeps, storing: Storing, hasStored: boolean, isOurs: boolean): Promise<void> {
  const { memory } = deps
  const { file, conversation, ownerId, stored } = storing
  const { origin, selectedIds, shownId, branches } = file
  const isNews = hasStored || isOurs
  // Each branch that is made raises the epoch by one, and so does each switch. With no more than the file's nobody has
  // switched yet: a run that stored the last message was interrupted before the end.
  const wasInterrupted = conversation.branchEpoch < branches.length - 1 + selectedIds.length
  const selected = isNews || wasInterrupted ? selectedIds.map((id) => stored.get(id)) : []
  // What was here before may have branches of its own, and another file the end of the path.
  const isAmongOthers = isNews && shownId !== undefined && conversation.branches.length > 0
  const shown = isAmongOthers ? (stored.get(shownId) ?? (await findBehind(deps, storing, shownId))) : undefined
  for (const message of [...selected, shown]) if (message) await memory.selectVersion(ownerId, message.id)
  const changes = isOurs ? changesOf(file, conversation) : archiveOf(origin, conversation, hasStored)
  if (Object.keys(changes).length > 0) await memory.updateConversation(ownerId, conversation.id, changes)
}

/** Another state of the conversation, of before what is here: an older export, or a shard of one. */
function isOlder(
  { hasLastingIds, origin }: FileConversation,
  { lastMessageAt: storedAt }: Conversation,
  madeAt: number | undefined,
  now: number,
): boolean {
  if (!hasLastingIds || origin.lastMessageAt === undefined) return false
  if (madeAt !== undefined) return origin.lastMessageAt < madeAt
  return (notAfter(now, origin).lastMessageAt ?? now) < storedAt
}

/** The newest message of the path that is shown: to make a branch is to show it. */
async function readShown(memory: ImporterDeps['memory'], conversation: Conversation): Promise<Message | undefined> {
  const { sequence } = headHint(conversation, conversation.activeBranch)
  const range = { afterSequence: sequence - 1, beforeSequence: Number.MAX_SAFE_INTEGER, limit: 1 }
  const { messages } = await memory.readMessages(conversation, { ...range, from: 'NEWEST' })
  return messages[0]
}

function archiveOf(
  { archivedAt }: FileConversation['origin'],
  conversation: Conversation,
  hasStored: boolean,
): ConversationChanges {
  return archivedAt !== undefined && hasStored && conversation.archivedAt === undefined ? { archivedAt } : {}
}

/** What this run made is nobody's own yet: it becomes as the newest state of it is. */
function changesOf({ settings, origin }: FileConversation, { title, archivedAt }: Conversation): ConversationChanges {
  const isArchived = origin.archivedAt !== undefined
  return {
    ...(settings.title !== title && { title: settings.title ?? null }),
    ...(isArchived !== (archivedAt !== undefined) && { archivedAt: origin.archivedAt ?? null }),
  }
}

async function storeBranch(deps: ImporterDeps, storing: Storing, branch: FileBranch): Promise<void> {
  const { stored, variants } = storing
  const outside = await findBehind(deps, storing, branch.outside)
  let last = outside ?? stored.get(branch.behind ?? '')
  let variant = variants.get(branch.behind ?? '') ?? ''
  let replaces = outside ? undefined : stored.get(branch.replaces ?? '')
  let waiting = branch.messages
  while (waiting.length > 0) {
    const [batch = []] = batchMessages(
      waiting.map((placed) => ({ placed, parts: placed.message.parts })),
      BATCH_LENGTH,
    )
    const placed = batch.map((each) => each.placed)
    const found = await findStored(deps, storing, placed, variant)
    const changedAt = placed.findIndex((each) => found.get(each) === 'CHANGED')
    const whole = changedAt < 0 ? placed : placed.slice(0, changedAt)
    try {
      last = await storeRuns(deps, storing, { placed: whole, found, variant, last, replaces, branch })
    } catch (error) {
      // What an append of drafts can refuse by this field is that there is no room for another branch.
      if (!(error instanceof BadUserInputError && error.field === 'replaces')) throw error
      const left = waiting.filter(({ id }) => !stored.has(id))
      for (const { place } of left) storing.notes.loss(place, `in a conversation of ${MAX_BRANCHES} versions: left out`)
      return
    }
    if (whole.length > 0) replaces = undefined
    const changed = placed[changedAt]
    if (changed) {
      variant = variantOf(changed, variant)
      storing.notes.change(changed.place, 'changed since the last import: stored as another version')
    }
    waiting = waiting.slice(whole.length)
  }
}

function variantOf({ message }: PlacedMessage, before: string): string {
  const { role, parts, author } = message
  const digest = createHash('sha256').update(canonicalJson({ role, parts, author, before })).digest('hex')
  return `~${digest.slice(0, DIGEST_LENGTH)}`
}

/** Appends what is missing, each run of it behind the message before it; returns the last message. */
async function storeRuns(
  deps: ImporterDeps,
  storing: Storing,
  run: {
    placed: readonly PlacedMessage[]
    found: Found
    variant: string
    last: Message | undefined
    replaces: Message | undefined
    branch: FileBranch
  },
): Promise<Message | undefined> {
  const { placed, found, variant, branch } = run
  let { last, replaces } = run
  for (let index = 0; index < placed.length; ) {
    const each = placed[index]
    const known = each && found.get(each)
    if (each && known && known !== 'CHANGED') {
      last = known
      // What an earlier attempt stored is counted already.
      if (!storing.stored.has(each.id)) storing.onStored({ messages: 1, stored: 0, tokens: known.tokens })
      remember(storing, each, known, variant)
      index++
    } else {
      const rest = placed.slice(index)
      const end = rest.findIndex((other) => found.get(other) !== undefined)
      const missing = end < 0 ? rest : rest.slice(0, end)
      const target = await targetOf(deps, storing, { last, replaces, branch })
      last = (await appendRun(deps, storing, missing, variant, target)) ?? last
      index += missing.length
    }
    replaces = undefined
  }
  return last
}

async function appendRun(
  deps: ImporterDeps,
  storing: Storing,
  placed: readonly PlacedMessage[],
  variant: string,
  wanted: AppendTarget,
): Promise<Message | undefined> {
  const { memory, writer, now } = deps
  const { ownerId, conversation, file } = storing
  const { lastMessageAt: arrivedAt } = notAfter(now(), file.origin)
  const isOrphaned = await hasOrphans(deps, storing, placed, wanted)
  const target = isOrphaned ? { replaces: wanted.replaces ?? '' } : wanted
  const drafts = placed.map(({ own, ...each }) =>
    draftOf(isOrphaned || own === undefined ? each : { ...each, own }, variant, now()),
  )
  const { messages, stored } = await memory.appendDrafts(ownerId, conversation.id, drafts, {
    ...target,
    ...(arrivedAt !== undefined && { arrivedAt }),
    tokens: placed.map(({ own }) => own?.tokens),
  })
  for (const [index, message] of messages.entries()) {
    const each = placed[index]
    if (each) remember(storing, each, message, variant)
  }
  const tokens = messages.reduce((sum, message) => sum + message.tokens, 0)
  storing.onStored({ messages: messages.length, stored: stored.length, tokens })
  if (writer.depth > MAX_WRITER_DEPTH) await writer.drain(DRAIN_MS)
  return messages.at(-1)
}

/**
 * Whether a run that was cut off left messages without keys on a branch that it did not list. Nobody can know these
 * again: the sweep removes them, and they are stored on another branch.
 */
async function hasOrphans(
  { history }: ImporterDeps,
  { conversation, isNew }: Storing,
  [first]: readonly PlacedMessage[],
  { replaces, branch }: AppendTarget,
): Promise<boolean> {
  const hasKey = first?.own === undefined || idempotencyKey(first.own) !== undefined
  if (isNew || hasKey || replaces === undefined || branch === undefined || isListed(conversation, branch)) return false
  const [orphan] = await history.findMessages([first.id])
  return orphan !== undefined
}

function remember({ stored, variants }: Storing, { id }: PlacedMessage, message: Message, variant: string): void {
  stored.set(id, message)
  if (variant !== '') variants.set(id, variant)
}

/** In the place of an older version, or behind the message before; where something follows that by now, in its place. */
async function targetOf(
  { memory }: ImporterDeps,
  { ownerId, conversation, isNew }: Storing,
  { last, replaces, branch }: { last: Message | undefined; replaces: Message | undefined; branch: FileBranch },
): Promise<AppendTarget> {
  const made = branch.id === undefined ? {} : { branch: branch.id }
  if (replaces) return { replaces: replaces.id, ...made }
  const { branch: on, sequence } = last ?? { branch: ROOT_BRANCH, sequence: 0 }
  const [next] = isNew ? [] : await memory.findMessages(ownerId, [messageId(conversation.id, on, sequence + 1)])
  return next ? { replaces: next.id, ...made } : { branch: on }
}
