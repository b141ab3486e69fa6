/** The fields that a client gave, in the form that the domain has them: absent where the input says null. */
type Given<T> = { [K in keyof T as K extends Optional<T> ? never : K]: T[K] } & {
  [K in Optional<T>]?: NonNullable<T[K]>
}
type Optional<T> = { [K in keyof T]-?: undefined extends T[K] ? K : never }[keyof T]
/** As `Given`, but null stays null. */
type Changed<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** Without the fields that are absent or null. */
export function given<T extends object>(input: T): Given<T> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value != null)) as Given<T>
}

/** Without the fields that are absent; null stays, it removes a value. */
export function changed<T extends object>(input: T): Changed<T> {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Changed<T>
}
