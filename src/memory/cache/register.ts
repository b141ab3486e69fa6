import { ownValue } from '../../own-value.ts'
import type { Mark, Register, Tail } from './cache.ts'

/** A register that nothing has raised yet. */
export function newRegister(generation: string): Register {
  return { generation, epoch: 0, marks: {}, raisedAt: 0 }
}

/** What the fill of a tail raises its register to: it names no branch, and no place, that the register does not know. */
export function marksOf({ epoch, branch, last, forks }: Tail): Mark[] {
  return [
    { epoch, branch, sequence: last },
    ...forks.map((fork) => ({ epoch, branch: fork.branch, sequence: fork.belowSequence - 1 })),
  ]
}

/** Whether a tail of the register's generation can be what a fill or a confirm wrote: both raise the register to it. */
export function isAnnounced(tail: Tail, { marks }: Register): boolean {
  return marksOf(tail).every(({ branch, sequence }) => sequence <= (ownValue(marks, branch) ?? 0))
}

/**
 * The register raised to the marks, as a new value; nothing in it is ever lowered (protocol A7: the fence).
 * `now` is remembered where the epoch rises, and only there: appends must not put off the end of a dead switch.
 */
export function raiseRegister(register: Register, raisedTo: readonly Mark[], now: number): Register {
  const marks = new Map(Object.entries(register.marks))
  let { epoch } = register
  for (const mark of raisedTo) {
    epoch = Math.max(epoch, mark.epoch)
    if (mark.sequence > (marks.get(mark.branch) ?? 0)) marks.set(mark.branch, mark.sequence)
  }
  return {
    ...register,
    epoch,
    marks: Object.fromEntries(marks),
    raisedAt: epoch > register.epoch ? now : register.raisedAt,
  }
}
