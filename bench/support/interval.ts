/** A median and how sure it is: with 95 % confidence the true median lies between `low` and `high`. */
export interface Interval {
  median: number
  low: number
  high: number
}

/** Middle half of the values: their spread. */
export interface Spread {
  median: number
  lowerQuartile: number
  upperQuartile: number
}

/** Standard normal quantile for 95 % confidence. */
const Z = 1.96

/** The median's confidence interval by order statistics, which assume nothing about the distribution. */
export function medianInterval(values: readonly number[]): Interval {
  const sorted = values.toSorted((a, b) => a - b)
  const half = (Z * Math.sqrt(sorted.length)) / 2
  const at = (place: number) => sorted[Math.min(sorted.length - 1, Math.max(0, place))] ?? Number.NaN
  const low = at(Math.floor(sorted.length / 2 - half))
  const high = at(Math.ceil(sorted.length / 2 + half))
  return { median: quantile(sorted, 0.5), low, high }
}

/** Median and quartiles. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    median: quantile(sorted, 0.5),
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
  }
}

/** Interpolates between neighbours. */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}
