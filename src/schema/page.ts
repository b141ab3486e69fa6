import { BadUserInputError } from '../errors.ts'

const DEFAULT_PAGE_SIZE = 20
const MAX_PAGE_SIZE = 100

/** The arguments of a page. */
export interface PageArguments {
  first?: number | null | undefined
  after?: string | null | undefined
  last?: number | null | undefined
  before?: string | null | undefined
}

/** What a page costs by the estimate of a query: a read of the store, and its items. */
export const PAGE_COST = {
  weight: 50,
  items: ({ first, last }: PageArguments) => Math.min(first ?? last ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE),
}

/** A page by the Relay cursor connections specification. */
export interface Page<T> {
  edges: { cursor: string; node: T }[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null }
}

/** How the keys of a list are written into cursors. `decode` returns undefined for any other text. */
export interface CursorCodec<T, K> {
  encode(item: T): string
  decode(text: string): K | undefined
}

/** What a page reads: one item more than it shows, to know whether more follow. */
export interface PageRange<K> {
  after?: K
  before?: K
  limit: number
  from: 'START' | 'END'
}

/** What was read, in the list's order. `isShortened`: there are more, though fewer than the limit were read. */
export interface PageItems<T> {
  items: readonly T[]
  isShortened: boolean
}

/**
 * One page of a list with a keyset. Rejects with BadUserInputError for sizes out of range, `first` together with
 * `last`, and cursors of other lists.
 */
export async function readPage<T, K>(
  args: PageArguments,
  codec: CursorCodec<T, K>,
  read: (range: PageRange<K>) => Promise<PageItems<T>>,
): Promise<Page<T>> {
  const { size, from } = checkPageSize(args)
  const after = decodeCursor('after', args.after, codec)
  const before = decodeCursor('before', args.before, codec)
  const bounds = { ...(after !== undefined && { after }), ...(before !== undefined && { before }) }
  const { items: found, isShortened } = await read({ ...bounds, limit: size + 1, from })
  const more = isShortened || found.length > size
  const items = from === 'START' ? found.slice(0, size) : found.slice(found.length - Math.min(size, found.length))
  const edges = items.map((node) => ({ cursor: encodeCursor(codec.encode(node)), node }))
  return {
    edges,
    pageInfo: {
      hasNextPage: from === 'START' ? more : before !== undefined,
      hasPreviousPage: from === 'START' ? after !== undefined : more,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  }
}

function checkPageSize({ first, last }: PageArguments): { size: number; from: 'START' | 'END' } {
  if (first != null && last != null) throw new BadUserInputError('last', 'absent when `first` is given', String(last))
  for (const [field, size] of [['first', first] as const, ['last', last] as const]) {
    if (size != null && (size < 0 || size > MAX_PAGE_SIZE)) {
      throw new BadUserInputError(field, `from 0 to ${MAX_PAGE_SIZE}`, String(size))
    }
  }
  return { size: first ?? last ?? DEFAULT_PAGE_SIZE, from: last == null ? 'START' : 'END' }
}

function encodeCursor(key: string): string {
  return Buffer.from(key).toString('base64url')
}

/** Decoding skips characters that are no base64url, so a cursor is valid only if it encodes to itself. */
function decodeCursor<T, K>(field: string, cursor: string | null | undefined, codec: CursorCodec<T, K>): K | undefined {
  if (cursor == null) return undefined
  const text = Buffer.from(cursor, 'base64url').toString()
  const key = encodeCursor(text) === cursor ? codec.decode(text) : undefined
  if (key === undefined)
    throw new BadUserInputError(field, 'a cursor of this list', JSON.stringify(cursor.slice(0, 64)))
  return key
}
