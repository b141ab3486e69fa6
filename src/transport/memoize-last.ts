/** Remembers the result for the last argument: equal calls one after another get the same object. */
export function memoizeLast<From extends object, To>(make: (from: From) => To): (from: From) => To {
  let last: { from: From; made: To } | undefined
  return (from) => {
    if (last?.from !== from) last = { from, made: make(from) }
    return last.made
  }
}
