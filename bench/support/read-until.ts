/** Reads a stream up to the first event of a kind; returns what reads the rest. Throws when it ends before. */
export async function readUntil<T>(
  stream: AsyncIterable<T>,
  isIt: (event: T) => boolean,
): Promise<() => Promise<void>> {
  const events = stream[Symbol.asyncIterator]()
  for (;;) {
    const { done, value } = await events.next()
    if (done) throw new Error('The stream ended without it')
    if (isIt(value)) break
  }
  return async () => {
    while (!(await events.next()).done);
  }
}
