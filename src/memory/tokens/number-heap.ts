/** A priority queue of numbers, smallest first. */
export interface NumberHeap {
  push(value: number): void
  /** Removes and returns the smallest; undefined when empty. */
  pop(): number | undefined
}

/** A binary heap: push and pop take O(log n). */
export function createNumberHeap(): NumberHeap {
  const values: number[] = []
  return {
    push: (value) => siftUp(values, value),
    pop: () => {
      const smallest = values[0]
      const last = values.pop()
      if (last !== undefined && values.length > 0) siftDown(values, last)
      return smallest
    },
  }
}

function siftUp(values: number[], value: number): void {
  let index = values.length
  while (index > 0) {
    const parentIndex = (index - 1) >>> 1
    const parent = values[parentIndex] ?? value
    if (parent <= value) break
    values[index] = parent
    index = parentIndex
  }
  values[index] = value
}

function siftDown(values: number[], value: number): void {
  let index = 0
  for (let childIndex = 1; childIndex < values.length; childIndex = 2 * index + 1) {
    const left = values[childIndex] ?? value
    // Reading past the end of an array is slow in V8, hence the comparison.
    const right = childIndex + 1 < values.length ? (values[childIndex + 1] ?? value) : left
    const child = Math.min(left, right)
    if (child >= value) break
    values[index] = child
    index = left <= right ? childIndex : childIndex + 1
  }
  values[index] = value
}
