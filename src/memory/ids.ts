import { randomBytes, randomUUID } from 'node:crypto'
import { TypeID, typeid } from 'typeid-js'
import { ROOT_BRANCH } from './conversation.ts'

// What follows the prefix of a TypeID is 128 bits in Crockford's base 32.
const CONVERSATION_ID = /^conv_[0-7][0-9a-hjkmnp-tv-z]{25}$/
const MESSAGE_ID = /^msg_([0-7][0-9a-hjkmnp-tv-z]{25})_([0-9a-z]{7})(?:_([0-9a-z]{1,16}))?$/
const BRANCH_ID = /^[0-9a-z]{1,16}$/
const REPLY_ID = /^rep_([0-7][0-9a-hjkmnp-tv-z]{25})_[0-7][0-9a-hjkmnp-tv-z]{25}$/

/** The last two digits of a place. */
const ENDS = Array.from({ length: 36 * 36 }, (_, end) => end.toString(36).padStart(2, '0'))

/** A new conversation's id: a TypeID (github.com/jetify-com/typeid) of random bits, so that ranges of ids share the load. */
export function createConversationId(): string {
  return TypeID.fromUUID('conv', randomUUID()).toString()
}

/** A new branch's id: 80 random bits, so that two writers never make the same one. */
export function createBranchId(): string {
  return BigInt(`0x${randomBytes(10).toString('hex')}`)
    .toString(36)
    .padStart(16, '0')
}

/** Whether it has the form of a branch's id, the root's included. */
export function isBranchId(id: string): boolean {
  return BRANCH_ID.test(id)
}

/**
 * A message's id is its position: the conversation's suffix, the sequence and, off the root, the
 * branch. So it needs no storage of its own in caches, sorts as the messages do, leads to its
 * conversation, and a lookup by it is a lookup in the unique index of positions.
 */
export function messageId(conversationId: string, branch: string, sequence: number): string {
  const place = sequence.toString(36).padStart(7, '0')
  // Joined, not a template: that makes a tree of strings, and JSON.stringify leaves its fast path for one.
  return [beginOf(conversationId), place, suffixOf(branch)].join('')
}

/** `messageId` for many messages of one branch: what they share is made once, which takes half the time. */
export function createMessageIds(conversationId: string, branch: string): (sequence: number) => string {
  const suffix = suffixOf(branch)
  let page = -1
  let begin = ''
  return (sequence) => {
    const its = Math.floor(sequence / ENDS.length)
    if (its !== page) begin = [beginOf(conversationId), its.toString(36).padStart(5, '0')].join('')
    page = its
    return [begin, ENDS[sequence % ENDS.length], suffix].join('')
  }
}

function beginOf(conversationId: string): string {
  return `msg_${conversationId.slice('conv_'.length)}_`
}

function suffixOf(branch: string): string {
  return branch === ROOT_BRANCH ? '' : `_${branch}`
}

/** Where a message stands: what the unique index of positions is about. */
export interface MessagePlace {
  conversationId: string
  branch: string
  sequence: number
}

/** The place that a message's id names; undefined when it is not the id of a message. */
export function placeOf(id: string): MessagePlace | undefined {
  const [, suffix, place, branch] = MESSAGE_ID.exec(id) ?? []
  if (suffix === undefined || place === undefined) return undefined
  const conversationId = `conv_${suffix}`
  const sequence = Number.parseInt(place, 36)
  const found = { conversationId, branch: branch ?? ROOT_BRANCH, sequence }
  return messageId(conversationId, found.branch, sequence) === id ? found : undefined
}

/** A new reply's id: its conversation's suffix and one of its own, so it leads to its conversation as a message's does. */
export function createReplyId(conversationId: string): string {
  return `rep_${conversationId.slice('conv_'.length)}_${typeid('rep').getSuffix()}`
}

/** The conversation of a reply; undefined when it is not the id of a reply. */
export function conversationOfReply(id: string): string | undefined {
  const [, suffix] = REPLY_ID.exec(id) ?? []
  return suffix && `conv_${suffix}`
}

/** Whether it has the form of a conversation's id; no store is asked. */
export function isConversationId(id: string): boolean {
  return CONVERSATION_ID.test(id)
}
