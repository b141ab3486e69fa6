const CHARSET = 'charset=utf-8'

/** Whether an `Accept` header allows one of these types, as Yoga reads it: only UTF-8 is written, and weights count for nothing. */
export function accepts(accept: string | null | undefined, types: readonly string[]): boolean {
  return (accept || '*/*')
    .replace(/\s/g, '')
    .toLowerCase()
    .split(',')
    .map((range) => range.split(';'))
    .filter(([, ...parameters]) => (parameters.find((one) => one.includes('charset=')) ?? CHARSET) === CHARSET)
    .some(([accepted = '']) => types.some((type) => matches(accepted, type)))
}

function matches(accepted: string, type: string): boolean {
  const [kind, subtype] = accepted.split('/')
  const [itsKind, itsSubtype] = type.split('/')
  return (kind === '*' || kind === itsKind) && (subtype === '*' || subtype === itsSubtype)
}
