import type { Mark, Register } from './cache.ts'

/** A register that nothing has raised yet. */
export function newRegister(generation: string): Register {
  return { generation, epoch: 0, marks: {}, raisedAt: 0 }
}

/**
 * The register raised to the marks, as a new value; nothing in it is ever lowered (protocol A7: the fence).
 * `now` is remembered where the epoch rises, and only there: appends must not put off the end of a dead switch.
 */
export function raiseRegister(register: Register, raisedTo: readonly Mark[], now: number): Register {
  const marks = { ...register.marks }
  let { epoch } = register
  for (const mark of raisedTo) {
    epoch = Math.max(epoch, mark.epoch)
    if (mark.sequence > (marks[mark.branch] ?? 0)) marks[mark.branch] = mark.sequence
  }
  return { ...register, epoch, marks, raisedAt: epoch > register.epoch ? now : register.raisedAt }
}
