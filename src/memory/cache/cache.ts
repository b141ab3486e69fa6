/**
 * The register of a conversation (protocol A): a high-water mark per branch that says how far an
 * append has been *intended*, and the generation that decides what may be written.
 */
export interface Register {
  generation: string
  /** The highest branch epoch that was sent. */
  epoch: number
  /** Highest sequence intended, by branch; absent is 0. */
  marks: Record<string, number>
  /** The cache's own time when the epoch last rose, epoch milliseconds; 0 before the first time. */
  raisedAt: number
}

/** Where a path comes from another branch: its messages below `belowSequence` are that one's, down to the next fork. */
export interface Fork {
  branch: string
  belowSequence: number
}

/**
 * The newest messages of the path that ends on one branch. `rows` is their tuples joined by `,\n`
 * (see tail.ts), so that a reader parses only the rows that it needs. `last` is always
 * `first + number of rows - 1`; an empty tail still says where the head is.
 */
export interface Tail {
  generation: string
  /** The life that it began with a whole fill, random: rows of an ended life must not get into a new one. */
  life: string
  epoch: number
  branch: string
  /** The forks above `first`, newest first: rows above the first of them are of `branch` itself. */
  forks: readonly Fork[]
  first: number
  last: number
  /** `tokenStart` of the first row; of the message to come when there is none. */
  tokenStart: number
  /** Sum of the rows' tokens. */
  tokens: number
  /**
   * No message starts from here up to `tokenStart`, so a budget that reaches no further back needs no
   * history, also where the message before the tail did not fit. 0 where the tail has the first message.
   */
  knownFrom: number
  ownerId: string
  encoding: string
  /** When the conversation ends: from then on its tail answers nothing. Epoch milliseconds. */
  expiresAt?: number | undefined
  rows: string
}

/** What the cache holds of a conversation; each of the two may be absent alone. */
export interface CacheEntry {
  register?: Register
  tail?: Tail
}

/** An append that is intended: the branch epoch it knows, and its highest sequence on the branch. */
export interface Mark {
  epoch: number
  branch: string
  sequence: number
}

/** Rows appended to history, to be joined to the tail. */
export interface AppendedRows {
  epoch: number
  branch: string
  first: number
  last: number
  tokens: number
  rows: string
}

/** Lifetimes and bounds of what is cached. */
export interface CacheLimits {
  /** The tail keeps the newest messages up to this many tokens, and TAIL_LENGTH_PER_TOKEN times as many characters. */
  tailTokens: number
  /** A tail lives so long from its whole fill; a register lives 60 s longer than that from its last use. */
  ttlSeconds: number
}

/** How much longer than a tail a register lives: it outlives the inserts that its marks announced (protocol A5). */
export const REGISTER_EXTRA_SECONDS = 60

/**
 * A register that was only opened lives so long, unless a mark, a confirm or a fill renews it: whoever
 * asks for conversations that are not there must not fill the cache with registers. A fill that comes
 * after its register's end is refused.
 */
export const OPENED_SECONDS = 60

/**
 * A register with marks of more branches than this is forgotten rather than made slow: a loss of the
 * register, as by its expiry. A conversation has at most half as many.
 */
export const MAX_MARKS = 2_000

/** Characters of a tail's rows for each of the tokens that it may have; in Redis bytes. Metadata and thoughts have no tokens. */
export const TAIL_LENGTH_PER_TOKEN = 100

/** No position, count of tokens or epoch is larger: it is what GraphQL's Int can say. */
export const MAX_POSITION = 2 ** 31 - 1

/**
 * No cached epoch is larger: the epoch of a dead switch is carried into the conversation, which must not end at one that
 * no switch can follow.
 */
export const MAX_EPOCH = 2 ** 30

/**
 * The raw cache, each method one atomic step of protocol.md part A. Every method may reject; the
 * cache guard (cache-guard.ts) is the one place that decides what a fault means. Junk in the store
 * reads as absent, never as an error. Sequences and tokens are whole numbers up to
 * MAX_POSITION, epochs up to MAX_EPOCH. Generations are random texts of the caller's.
 */
export interface Cache {
  /** In the order asked; one round trip whatever the number. */
  readEntries(conversationIds: readonly string[]): Promise<CacheEntry[]>
  /**
   * Creates the register with this generation unless something is there, then reads the entry, both in one
   * round trip. Without a register where what is there cannot be read.
   */
  openEntry(conversationId: string, generation: string): Promise<CacheEntry>
  /** Creates the register with this generation unless there is one; returns the one that is there. */
  open(conversationId: string, generation: string): Promise<Register>
  /** Raises the register; creates it with this generation when absent. Never touches the tail. */
  mark(conversationId: string, mark: Mark, generation: string): Promise<void>
  /** Raises the register and joins the rows to the tail, unless that left a hole. The tail keeps its life. */
  confirm(conversationId: string, appended: AppendedRows): Promise<void>
  /**
   * Writes the tail if its generation is still the register's and it says more than what is there; returns
   * whether it did. With `ttlSeconds` it begins a life of that length. Without, its rows are based on the
   * tail that is there: refused unless that is still in the same life, which goes on as it was.
   */
  fill(conversationId: string, tail: Tail, ttlSeconds: number | undefined): Promise<boolean>
  /** Removes the tail and gives the register this generation; its marks, and how long it lives, stay. */
  drop(conversationId: string, generation: string): Promise<void>
  /** Resolves when the store answers and takes writes; a store that is merely full takes them. */
  ping(): Promise<void>
  close(): Promise<void>
}
