import { HistoryUnavailableError } from '../../errors.ts'

/**
 * Works on one after another. A fault of one does not keep the others from their turn, and is thrown at the end; only
 * while the history cannot be reached nothing else is tried. `postpone` puts one that failed behind the others, since
 * a sweep finds the oldest, and only so many.
 */
export async function sweepEach<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  postpone?: (item: T) => Promise<unknown>,
): Promise<void> {
  const faults: unknown[] = []
  for (const item of items) {
    try {
      await work(item)
    } catch (error) {
      if (error instanceof HistoryUnavailableError) throw error
      faults.push(error)
      await postpone?.(item)
    }
  }
  if (faults.length > 0) throw faults.length === 1 ? faults[0] : new AggregateError(faults, 'A sweep met faults')
}
