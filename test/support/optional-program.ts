import type { TestContext } from 'vitest'

/** What a test needs beside the stores; where it cannot be had the test is skipped and says why, but not in CI. */
export async function startOrSkip<T>({ skip }: Pick<TestContext, 'skip'>, start: () => Promise<T>): Promise<T> {
  try {
    return await start()
  } catch (error) {
    if (process.env.CI !== undefined || !(error instanceof Error)) throw error
    console.warn(`SKIPPED. ${error.message}`)
    return skip(error.message)
  }
}
