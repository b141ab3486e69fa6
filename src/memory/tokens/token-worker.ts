import { canonicalEncoding, type Encoding } from './encoding.ts'
import { type CountGroups, loadEncoding, type TextGroups } from './load-encoding.ts'

/** Texts to be counted in groups, and the encoding to count them with. */
export interface CountTask {
  encoding: Encoding
  groups: TextGroups
}

const encodings = new Map<Encoding, Promise<CountGroups>>()

/** The entry of the token counter's worker threads: the tokens of each group, in order. */
export async function countGroups({ encoding, groups }: CountTask): Promise<number[]> {
  const name = canonicalEncoding(encoding)
  const loading = encodings.get(name) ?? loadEncoding(name)
  encodings.set(name, loading)
  const count = await loading
  return count(groups)
}
