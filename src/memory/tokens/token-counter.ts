import { availableParallelism } from 'node:os'
import { BadUserInputError } from '../../errors.ts'
import type { MessageDraft } from '../message.ts'
import { createCountQueue } from './count-queue.ts'
import { countSlices } from './count-slices.ts'
import { createCountThreads } from './count-threads.ts'
import { createCountingBudget } from './counting-budget.ts'
import { canonicalEncoding, ENCODING_NAMES, type Encoding, isEncoding } from './encoding.ts'
import type { Asker } from './fair-queue.ts'
import { type CountGroups, loadEncoding } from './load-encoding.ts'
import { messageTexts } from './message-texts.ts'

type Countable = Pick<MessageDraft, 'role' | 'parts' | 'author'>

/** Counts what messages cost in a prompt (design section 2). */
export interface TokenCounter {
  /**
   * The `tokens` of each message, in order: content, other parts and chat framing. Long messages are
   * counted off the event loop, so it never blocks for more than 20 ms whatever the text, and in turns of those who
   * ask; without one it is the server's own work.
   */
  countMessages(encoding: string, drafts: readonly Countable[], asker?: Asker): Promise<number[]>
  /**
   * Makes room for texts that will be counted, before anything is done with them. Throws RateLimitedError where too
   * much waits already. The room is free again when the returned function is called.
   */
  admit(bytes: number, asker: Asker): () => void
  close(): Promise<void>
}

/** A token counter that can hold an encoding in its own thread as well. */
export interface WarmTokenCounter extends TokenCounter {
  /**
   * Loads an encoding here, which blocks the event loop once for about 150 ms and takes 60 MB: from then
   * on short messages are counted at once. Without it every message is counted in the pool.
   */
  warm(encoding: Encoding): Promise<void>
}

/** Bounds of the threads and of what is counted on the event loop. */
export interface TokenCounterLimits {
  /** Threads at most, 2 or more; each takes 60 MB for every encoding it has counted with. */
  threads: number
  /** A thread that had nothing to count for so long is ended, which frees its memory. */
  threadIdleMs: number
  /** Up to this many characters at once are counted on the event loop, if the encoding is warm. */
  inlineCharacters: number
  /**
   * What is longer is cut into slices of about so many characters, so that others come between; what is shorter need not
   * wait for it at all.
   */
  sliceCharacters: number
}

/*
 * 1,000 characters take 0.1 ms of usual text and 2.5 ms of random Han, the slowest text found (10 ms the
 * first time, before V8 has compiled anything). A thread's answer takes 0.1 ms longer, and 32,000 take it 65 ms.
 */
const DEFAULT_LIMITS: TokenCounterLimits = {
  threads: Math.min(Math.max(availableParallelism(), 2), 4),
  threadIdleMs: 300_000,
  inlineCharacters: 1_000,
  sliceCharacters: 32_000,
}

/** The server's own work has its turn like anybody's. */
const OURSELVES: Asker = { ownerId: '', source: '' }

/*
 * What the library's `encodeChat` puts around a content: start, role, separator and end, the role being
 * one token. `name` takes the role's place there. It also has the formats of gpt-3.5 (one token more) and
 * none for encodings without chat models: the rule holds for them too.
 */
const FRAMING_TOKENS = 4
const FRAMING_TOKENS_BESIDE_NAME = 3

/**
 * A token counter by gpt-tokenizer's vocabularies. Opens nothing until its first count; threads end with
 * `close`, which fails counts that are under way. An unknown encoding is a BadUserInputError.
 */
export function createTokenCounter(limits: Partial<TokenCounterLimits> = {}): WarmTokenCounter {
  const { threads, threadIdleMs, inlineCharacters, sliceCharacters } = { ...DEFAULT_LIMITS, ...limits }
  const warmed = new Map<Encoding, CountGroups>()
  const pool = createCountThreads({ threads, idleMs: threadIdleMs })
  const queue = createCountQueue(pool.run, threads)
  const { admit } = createCountingBudget(sliceCharacters)
  let isClosed = false

  async function countMessages(name: string, drafts: readonly Countable[], asker = OURSELVES): Promise<number[]> {
    const encoding = checkedEncoding(name)
    const count = warmed.get(canonicalEncoding(encoding))
    const tokens = drafts.map(({ author }) => framingTokens(author))
    let counted = 0
    for (const { groups, first, characters } of countSlices(textsOf(drafts), sliceCharacters)) {
      if (isClosed) throw new Error('The token counter is closed.')
      counted += characters
      const isInline = count !== undefined && counted <= inlineCharacters
      const isLong = counted >= sliceCharacters
      const sums = isInline ? count(groups) : await queue.add({ encoding, groups }, characters, asker, isLong)
      for (const [index, sum] of sums.entries()) tokens[first + index] = (tokens[first + index] ?? 0) + sum
    }
    return tokens
  }

  async function warm(encoding: Encoding): Promise<void> {
    const name = canonicalEncoding(encoding)
    if (!warmed.has(name)) warmed.set(name, await loadEncoding(name))
  }

  function close(): Promise<void> {
    isClosed = true
    return pool.close()
  }

  return { countMessages, admit, warm, close }
}

function checkedEncoding(name: string): Encoding {
  if (isEncoding(name)) return name
  throw new BadUserInputError('encoding', `one of ${ENCODING_NAMES.join(', ')}`, JSON.stringify(name))
}

/** Made one after another, as they are counted. */
function* textsOf(drafts: readonly Countable[]): Generator<string[]> {
  for (const draft of drafts) {
    const texts = messageTexts(draft)
    yield draft.author === undefined ? texts : [draft.author, ...texts]
  }
}

function framingTokens(author: string | undefined): number {
  return author === undefined ? FRAMING_TOKENS : FRAMING_TOKENS_BESIDE_NAME
}
