/** Reads of history that many readers share, by key. */
export interface SingleFlightReads<Need, Result> {
  /** Joins the read of this key that is not yet sent, or plans one behind the read that is running. */
  join(key: string, need: Need): Promise<Result>
}

/** What a shared read is made of. */
export interface ReadSteps<Need, Result> {
  /** What the planned read must serve when one more reader joins it. */
  merge(planned: Need, joining: Need): Need
  /** The read. From its call on nobody joins: it may miss what is acknowledged meanwhile. */
  send(need: Need): Promise<Result>
}

interface PlannedRead<Need, Result> {
  need: Need
  result: Promise<Result>
}

/**
 * Single flight by protocol A1.5: per key one read running and one planned, which all later readers
 * share, so a stampede of any size costs two reads. Libraries (p-memoize, async-cache-dedupe) let a reader
 * join what is already sent.
 */
export function createSingleFlightReads<Need, Result>({
  merge,
  send,
}: ReadSteps<Need, Result>): SingleFlightReads<Need, Result> {
  const planned = new Map<string, PlannedRead<Need, Result>>()
  /** The read of each key that was planned last, to its end. */
  const ends = new Map<string, Promise<unknown>>()

  async function sendAfter(previous: Promise<unknown> | undefined, key: string): Promise<Result> {
    await previous
    const read = planned.get(key)
    if (read === undefined) throw new Error('A read was sent without its plan')
    planned.delete(key)
    return send(read.need)
  }

  function join(key: string, need: Need): Promise<Result> {
    const read = planned.get(key)
    if (read !== undefined) {
      read.need = merge(read.need, need)
      return read.result
    }
    const result = sendAfter(ends.get(key), key)
    planned.set(key, { need, result })
    const end = result
      .catch(() => {})
      .finally(() => {
        if (ends.get(key) === end) ends.delete(key)
      })
    ends.set(key, end)
    return result
  }

  return { join }
}
