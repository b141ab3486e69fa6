/** Reads of history that many readers share, by key. */
export interface SingleFlightReads<Need, Result> {
  /** Joins the read of this key that is not yet sent, or plans one behind the read that is running. */
  join(key: string, need: Need): Promise<Result>
}

/** What a shared read is made of. */
export interface ReadSteps<Need, Prepared, Result> {
  /** What the planned read must serve when one more reader joins it. */
  merge(planned: Need, joining: Need): Need
  /** Comes before the read; readers may still join. */
  prepare(need: Need): Promise<Prepared>
  /** The read. From its call on nobody joins: it may miss what is acknowledged meanwhile. */
  send(need: Need, prepared: Prepared): Promise<Result>
}

interface Flight<Need, Result> {
  need: Need
  landing: Promise<Result>
}

/**
 * Single flight by protocol A1.5: per key one read running and one planned, which all later readers
 * share, so a stampede of any size costs two reads.
 */
export function createSingleFlightReads<Need, Prepared, Result>(
  steps: ReadSteps<Need, Prepared, Result>,
): SingleFlightReads<Need, Result> {
  const planned = new Map<string, Flight<Need, Result>>()
  const landings = new Map<string, Promise<unknown>>()

  async function fly(key: string): Promise<Result> {
    await landings.get(key)
    let need = plannedNeed(key)
    try {
      const prepared = await steps.prepare(need)
      need = plannedNeed(key)
      planned.delete(key)
      return await steps.send(need, prepared)
    } finally {
      // Only when prepare failed: by now another flight may be planned.
      if (planned.get(key)?.need === need) planned.delete(key)
    }
  }

  function plannedNeed(key: string): Need {
    const flight = planned.get(key)
    if (flight === undefined) throw new Error('A flight left without its plan')
    return flight.need
  }

  return {
    join(key, need) {
      const flight = planned.get(key)
      if (flight !== undefined) {
        flight.need = steps.merge(flight.need, need)
        return flight.landing
      }
      const landing = fly(key)
      planned.set(key, { need, landing })
      const landed = landing
        .catch(() => {})
        .finally(() => {
          if (landings.get(key) === landed) landings.delete(key)
        })
      landings.set(key, landed)
      return landing
    },
  }
}
