import type { Mark, Register } from './cache.ts'

/** The register raised to the marks, as a new value; nothing in it is ever lowered (protocol A7: the fence). */
export function raiseRegister(register: Register, raisedTo: readonly Mark[]): Register {
  const marks = { ...register.marks }
  let { epoch } = register
  for (const mark of raisedTo) {
    epoch = Math.max(epoch, mark.epoch)
    if (mark.sequence > (marks[mark.branch] ?? 0)) marks[mark.branch] = mark.sequence
  }
  return { ...register, epoch, marks }
}
