import type { Message } from '../message.ts'
import type { Fork, Tail } from './cache.ts'

/** The forks that a tail beginning there still crosses: the rows of the others are gone. */
export function forksAbove(forks: readonly Fork[], first: number): readonly Fork[] {
  return forks.length === 0 ? forks : forks.filter(({ belowSequence }) => belowSequence > first)
}

/** The branch of each row from a sequence on; undefined where all are of the tail's own. */
export function branchesFrom({ branch, forks, last }: Tail, first: number): string[] | undefined {
  const crossed = forksAbove(forks, first)
  if (crossed.length === 0) return undefined
  const branches = new Array<string>(last - first + 1).fill(branch)
  for (const [index, fork] of crossed.entries()) {
    const from = crossed[index + 1]?.belowSequence ?? first
    branches.fill(fork.branch, from - first, fork.belowSequence - first)
  }
  return branches
}

/** The forks of a tail with older messages before it and newer ones behind it, both oldest first. */
export function joinForks(tail: Tail, older: readonly Message[], newer: readonly Message[]): Fork[] {
  const forks: Fork[] = []
  let { branch } = tail
  for (const met of [...newer.toReversed(), ...segmentsOf(tail), ...older.toReversed()]) {
    if (met.branch === branch) continue
    branch = met.branch
    forks.push({ branch, belowSequence: met.sequence + 1 })
  }
  return forks
}

/** The newest row of each branch that the tail has rows of, newest first. */
function segmentsOf({ branch, forks, first, last }: Tail): Pick<Message, 'branch' | 'sequence'>[] {
  const own = last >= (forks[0]?.belowSequence ?? first) ? [{ branch, sequence: last }] : []
  return [...own, ...forks.map((fork) => ({ branch: fork.branch, sequence: fork.belowSequence - 1 }))]
}
