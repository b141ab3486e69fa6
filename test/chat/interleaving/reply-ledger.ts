import type { ReplyEvent } from '../../../src/chat/follow/reply-event.ts'
import type { ReplyOutcome, ReplyRecord, ReplyRecords } from '../../../src/memory/history/reply-record.ts'
import { contentOf, type Message } from '../../../src/memory/message.ts'
import { OWNER, placeDeltas } from '../../support/reply-node.ts'
import type { ReplyWorld } from '../../support/reply-world.ts'
import { echoOf } from './echo-model.ts'
import { isOwnSeal, type ReplyStores } from './protections.ts'

/** What replies promise, held against what the stores hold and the streams said. */
export interface ReplyLedger {
  /** The stores themselves, which it watches. */
  stores: ReplyStores
  /** Promises that were broken. */
  readonly broken: string[]
  /** A stream of the question of that name has ended. */
  noteStream(name: string, events: readonly ReplyEvent[]): void
  /** When every question was sent again to an end. */
  check(conversationId: string, names: readonly string[]): Promise<void>
}

/** The ledger of one game, by the clock that all nodes share. */
export function createReplyLedger({ records, history }: ReplyWorld, now: () => number): ReplyLedger {
  const broken = new Set<string>()
  const outcomes = new Map<string, string>()
  const streams: { name: string; events: readonly ReplyEvent[] }[] = []

  const change: ReplyRecords['change'] = async (id, from, changes) => {
    const before = await records.find(OWNER, id)
    const isChanged = await records.change(id, from, changes)
    if (!isChanged || before === undefined) return isChanged
    const { phase, text, bumpBeat } = changes
    const isTakeover = phase === 'SEALED' && !isOwnSeal(changes)
    if (isTakeover && before.leaseUntil > now()) broken.add('a reply is taken over while its lease holds')
    if (bumpBeat && typeof text === 'string' && !text.startsWith(before.text))
      broken.add(`the saved text "${before.text}" fell back to "${text}"`)
    if (phase === 'ENDED') noteEnd(id, changes.outcome ?? before.outcome)
    return isChanged
  }

  function noteEnd(id: string, outcome: ReplyOutcome | undefined): void {
    const [before, after] = [outcomes.get(id), nameOf(outcome)]
    if (before !== undefined && before !== after) broken.add(`a reply ended as ${before}, then as ${after}`)
    outcomes.set(id, after)
  }

  function noteStream(name: string, events: readonly ReplyEvent[]): void {
    streams.push({ name, events })
  }

  async function check(conversationId: string, names: readonly string[]): Promise<void> {
    const range = { conversationId, branch: '0', fromTokens: 0, limit: 1_000 }
    const messages = (await history.readTokenRange(range)).reverse()
    const questions = messages.filter(({ role }) => role === 'USER')
    for (const name of names) {
      const stored = questions.filter(({ parts }) => contentOf(parts) === name)
      if (stored.length !== 1) broken.add(`question ${name} is stored ${stored.length} times`)
      checkReply(name, await records.findByClientMessageId(OWNER, conversationId, name), stored[0], messages)
    }
    if ((await records.findQueued(OWNER, conversationId, 1)).length > 0) broken.add('a question waits for ever')
    for (const { name, events } of streams) await checkStream(name, events)
  }

  function checkReply(
    name: string,
    reply: ReplyRecord | undefined,
    question: Message | undefined,
    messages: readonly Message[],
  ): void {
    const answers = messages.filter(({ role, replyTo }) => role === 'ASSISTANT' && replyTo === question?.id)
    if (answers.length > 1) broken.add(`question ${name} has ${answers.length} answers`)
    const [answer] = answers
    if (reply?.phase !== 'ENDED') broken.add(`the reply to ${name} is ${reply?.phase}`)
    if (reply?.messageId !== answer?.id) broken.add(`the reply to ${name} does not lead to its message`)
    const isComplete = reply?.outcome?.type === 'COMPLETED'
    if (isComplete !== (answer?.status === 'COMPLETE'))
      broken.add(`the reply to ${name} ended as ${nameOf(reply?.outcome)}, and its message is ${answer?.status}`)
    const [whole, said] = [echoOf(name), contentOf(answer?.parts ?? [])]
    if (isComplete ? said !== whole : !whole.startsWith(said)) broken.add(`the answer to ${name} is "${said}"`)
  }

  /** What a stream was told stays true. */
  async function checkStream(name: string, events: readonly ReplyEvent[]): Promise<void> {
    const end = events.at(-1)
    const replyId = events.find((event) => event.replyId !== null)?.replyId
    const reply = replyId ? await records.find(OWNER, replyId) : undefined
    if (!END.test(end?.type ?? '')) broken.add(`a stream of ${name} ended with ${end?.type}`)
    if (end && 'code' in end && end.code === 'NOT_FOUND') broken.add(`${name} was told that its conversation is gone`)
    if (end?.type === 'ReplyRejected') {
      if (reply !== undefined && end.code === 'NODE_LOST') broken.add(`${name} was told that it never ran`)
      return
    }
    if (end?.type === 'ReplyCompleted') {
      if (reply?.messageId !== end.message.id) broken.add(`${name} was told of an answer that is not the stored one`)
      if (placeDeltas(events) !== contentOf(end.message.parts)) broken.add(`a stream of ${name} lacks some of the text`)
    }
    const told = end?.type === 'ReplyInterrupted' ? `INTERRUPTED ${end.reason}` : TOLD[end?.type ?? '']
    if (told !== undefined && told !== nameOf(reply?.outcome))
      broken.add(`${name} was told ${told}, and its reply ended as ${nameOf(reply?.outcome)}`)
  }

  return {
    stores: { history, records: { ...records, change } },
    get broken() {
      return [...broken]
    },
    noteStream,
    check,
  }
}

const END = /^Reply(Completed|Interrupted|Failed|Rejected)$/
const TOLD: Partial<Record<string, string>> = { ReplyCompleted: 'COMPLETED', ReplyFailed: 'FAILED' }

function nameOf(outcome: ReplyOutcome | undefined): string {
  if (outcome?.type === 'INTERRUPTED') return `INTERRUPTED ${outcome.reason}`
  return outcome?.type ?? 'nothing'
}
