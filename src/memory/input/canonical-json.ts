import { configure } from 'safe-stable-stringify'

/**
 * One text for all values that are equal as JSON, whatever their prototypes, the order of their keys, a minus before
 * zero, or fields that are undefined: none of these survives a store. A value that refers to itself throws TypeError.
 */
export const canonicalJson: (value: object) => string = configure({ circularValue: TypeError })
