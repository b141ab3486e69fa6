import PQueue from 'p-queue'

/** What the pages of one operation may hold: each so many characters, and only some of them are read at once. */
export interface PageRoom {
  readonly maxLength: number
  /** Reads a page when there is room. Rejects with the signal's reason when that aborts before. */
  read<T>(read: () => Promise<T>, signal: AbortSignal | undefined): Promise<T>
}

/** A list of conversations may ask for a page of each, and most of their texts would be refused in the end. */
const PAGES_AT_ONCE = 4

/** Made for each operation: its queue is there when a page is read. */
export function createPageRoom(maxLength: number): PageRoom {
  let queue: PQueue | undefined

  async function read<T>(read: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    queue ??= new PQueue({ concurrency: PAGES_AT_ONCE })
    return queue.add(() => {
      signal?.throwIfAborted()
      return read()
    })
  }

  return { maxLength, read }
}
