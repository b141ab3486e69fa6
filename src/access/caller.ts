/** Who asks: admitted once, and passed on whole to all that is done for it. */
export interface Caller {
  /** Whose conversations it reads and changes. */
  readonly ownerId: string
  readonly proof: Proof
  /** Until when, in milliseconds since 1970; its streams end soon after. For ever where there is none. */
  readonly expiresAt?: number
}

/** How a caller proved who it is. */
export type Proof = 'NONE' | 'TOKEN' | 'SERVICE_KEY'

/** The owner of everything where there is no authentication. Nobody who proves anything becomes it. */
export const LOCAL_OWNER = 'local'

/** Who asks where there is no authentication. */
export const LOCAL_CALLER: Caller = { ownerId: LOCAL_OWNER, proof: 'NONE' }

const MAX_OWNER_CHARS = 256

/** What is wrong with an owner's id, as it follows its name in a sentence; undefined where nothing is. */
export function faultOfOwnerId(ownerId: string): string | undefined {
  if (ownerId === '' || ownerId.length > MAX_OWNER_CHARS) return `must have 1 to ${MAX_OWNER_CHARS} characters`
  if (/\p{Cc}/u.test(ownerId) || !ownerId.isWellFormed()) return 'must be text without control characters'
  return undefined
}
