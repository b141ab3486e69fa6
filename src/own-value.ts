/**
 * What a record of its own holds under a word from outside. By `record[word]` the words `constructor` and `__proto__`
 * find what every object inherits. For records as stores keep them; what is only ours is a Map.
 */
export function ownValue<T>(record: { readonly [word: string]: T }, word: string): T | undefined {
  return Object.hasOwn(record, word) ? record[word] : undefined
}
