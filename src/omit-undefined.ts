type Absent = null | undefined

/** The record without what is null or undefined: values that may be either are optional properties. */
export type Present<T> = Required<Pick<T, KeysWithout<T, Absent>>> & {
  [K in Exclude<keyof T, KeysWithout<T, Absent>>]?: Exclude<T[K], Absent>
}

/** The record without what is undefined: values that may be so are optional properties, null stays. */
export type Defined<T> = Required<Pick<T, KeysWithout<T, undefined>>> & {
  [K in Exclude<keyof T, KeysWithout<T, undefined>>]?: Exclude<T[K], undefined>
}

type KeysWithout<T, Missing> = { [K in keyof T]-?: Missing & T[K] extends never ? K : never }[keyof T]

/**
 * Leaves out the properties that are undefined or null: what a client or a store does not give is absent
 * from our records, never null. With KEEP_NULL only what is undefined, where null removes a value.
 */
export function omitUndefined<T extends object>(record: T): Present<T>
export function omitUndefined<T extends object>(record: T, nulls: 'KEEP_NULL'): Defined<T>
export function omitUndefined(record: object, nulls?: 'KEEP_NULL'): object {
  const isKept = nulls === 'KEEP_NULL' ? (value: unknown) => value !== undefined : (value: unknown) => value != null
  return Object.fromEntries(Object.entries(record).filter(([, value]) => isKept(value)))
}
