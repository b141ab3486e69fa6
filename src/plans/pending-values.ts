/** Puts values in the place of promises; rejects as soon as one does. */
export async function settle(results: Record<string, unknown>): Promise<Record<string, unknown>> {
  const pending = Object.keys(results).filter((key) => isPromise(results[key]))
  await Promise.all(
    pending.map(async (key) => {
      results[key] = await results[key]
    }),
  )
  return results
}

/** Promises beside an error may reject too: unhandled, they would end the process. */
export function rethrow(error: unknown, pending: Promise<unknown> | undefined): Promise<never> {
  if (pending === undefined) throw error
  const reject = () => Promise.reject(error)
  return pending.then(reject, reject)
}

/** Unhandled, a rejection would end the process. */
export function handleLater(values: readonly unknown[]): void {
  for (const value of values) if (isPromise(value)) value.then(undefined, () => {})
}

/** Whether it is a promise of whatever kind. */
export function isPromise(value: unknown): value is Promise<never> {
  return typeof value === 'object' && value !== null && typeof (value as Promise<unknown>).then === 'function'
}
