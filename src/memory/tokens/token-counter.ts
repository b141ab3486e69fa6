import Tinypool from 'tinypool'
import { BadUserInputError } from '../../errors.ts'
import type { MessageDraft } from '../message.ts'
import { canonicalEncoding, ENCODING_NAMES, type Encoding, isEncoding } from './encoding.ts'
import { type CountGroups, loadEncoding } from './load-encoding.ts'
import { messageTexts } from './message-texts.ts'
import type { CountTask } from './token-worker.ts'

type Countable = Pick<MessageDraft, 'role' | 'parts' | 'author'>

/** Counts what messages cost in a prompt (design section 2). */
export interface TokenCounter {
  /**
   * The `tokens` of each message, in order: content, other parts and chat framing. Long messages are
   * counted off the event loop, so it never blocks for more than 20 ms whatever the text.
   */
  countMessages(encoding: string, drafts: readonly Pick<MessageDraft, 'role' | 'parts' | 'author'>[]): Promise<number[]>
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
  /** Threads at most; each takes 60 MB for every encoding it has counted with. */
  threads: number
  /** A thread that had nothing to count for so long is ended, which frees its memory. */
  threadIdleMs: number
  /** Up to this many characters at once are counted on the event loop, if the encoding is warm. */
  inlineCharacters: number
  /** Messages go to the pool in batches of about this many characters, so that those of other callers come between. */
  batchCharacters: number
}

/*
 * 1,000 characters take 0.1 ms of usual text and 2.5 ms of random Han, the slowest text found (10 ms the
 * first time, before V8 has compiled anything). A thread's answer takes 0.1 ms longer.
 */
const DEFAULT_LIMITS: TokenCounterLimits = {
  threads: 1,
  threadIdleMs: 300_000,
  inlineCharacters: 1_000,
  batchCharacters: 250_000,
}

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
  const { threads, threadIdleMs, inlineCharacters, batchCharacters } = { ...DEFAULT_LIMITS, ...limits }
  const warmed = new Map<Encoding, CountGroups>()
  let pool: Tinypool | undefined
  let closed = false

  async function countMessages(name: string, drafts: readonly Countable[]): Promise<number[]> {
    const encoding = checkedEncoding(name)
    const tokens: number[] = []
    for (const groups of batches(drafts, batchCharacters)) tokens.push(...(await countGroups({ encoding, groups })))
    return drafts.map(({ author }, index) => framingTokens(author) + (tokens[index] ?? 0))
  }

  async function countGroups(task: CountTask): Promise<number[]> {
    if (closed) throw new Error('The token counter is closed.')
    const count = warmed.get(canonicalEncoding(task.encoding))
    if (count !== undefined && charactersOf(task.groups.flat()) <= inlineCharacters) return count(task.groups)
    pool ??= createPool(threads, threadIdleMs)
    return pool.run(task)
  }

  async function warm(encoding: Encoding): Promise<void> {
    const name = canonicalEncoding(encoding)
    if (!warmed.has(name)) warmed.set(name, await loadEncoding(name))
  }

  async function close(): Promise<void> {
    closed = true
    await pool?.destroy()
  }

  return { countMessages, warm, close }
}

/** Tinypool runs a TypeScript file as it is and brings nothing; piscina does the same with more than is used here. */
function createPool(threads: number, threadIdleMs: number): Tinypool {
  return new Tinypool({
    filename: new URL('./token-worker.ts', import.meta.url).href,
    name: 'countGroups',
    minThreads: 0,
    maxThreads: threads,
    idleTimeout: threadIdleMs,
    // A thread that inherited the flags of a script given by --eval would refuse to load its file.
    execArgv: [],
  })
}

function checkedEncoding(name: string): Encoding {
  if (isEncoding(name)) return name
  throw new BadUserInputError('encoding', `one of ${ENCODING_NAMES.join(', ')}`, JSON.stringify(name))
}

/** The texts of each message, in groups that are built only when the one before has been counted. */
function* batches(drafts: readonly Countable[], batchCharacters: number): Generator<string[][]> {
  let groups: string[][] = []
  let characters = 0
  for (const draft of drafts) {
    const texts = countedTexts(draft)
    groups.push(texts)
    characters += charactersOf(texts)
    if (characters < batchCharacters) continue
    yield groups
    groups = []
    characters = 0
  }
  if (groups.length > 0) yield groups
}

function countedTexts(draft: Countable): string[] {
  const texts = messageTexts(draft)
  return draft.author === undefined ? texts : [draft.author, ...texts]
}

function charactersOf(texts: readonly string[]): number {
  return texts.reduce((characters, text) => characters + text.length, 0)
}

function framingTokens(author: string | undefined): number {
  return author === undefined ? FRAMING_TOKENS : FRAMING_TOKENS_BESIDE_NAME
}
