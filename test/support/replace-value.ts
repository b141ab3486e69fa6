/** The value with one of its values, nested ones included, replaced. */
export function replaceValue(whole: unknown, junk: unknown, at: number): unknown {
  const places: { holder: Record<string, unknown>; key: string }[] = []
  const collect = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return
    const holder = value as Record<string, unknown>
    for (const key of Object.keys(holder)) {
      places.push({ holder, key })
      collect(holder[key])
    }
  }
  collect(whole)
  const place = places[at % places.length]
  if (place) place.holder[place.key] = junk
  return whole
}
