type Absent = null | undefined

/** The record with its absent values left out, as optional properties. */
export type Present<T> = { [K in keyof T as Absent & T[K] extends never ? K : never]: T[K] } & {
  [K in keyof T as Absent & T[K] extends never ? never : K]?: Exclude<T[K], Absent>
}

/** Leaves out what is undefined or null: what a store has not is absent from our records, never null. */
export function omitAbsent<T extends object>(record: T): Present<T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value != null)) as Present<T>
}
