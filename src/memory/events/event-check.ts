import { BROKEN_HEAD, nextId, type PublishedHead } from './published-head.ts'

/** Where stored messages are looked up. */
export interface EventCheckDeps {
  /** Whether each of these messages is stored, in one round trip; may reject. */
  areStored(messageIds: readonly string[]): Promise<boolean[]>
}

/** Finds messages that were stored and never published, since a node died or an answer was lost. */
export interface EventCheck {
  /**
   * The conversations with such a message. Only those that were suspect at the call before with the same head:
   * else it may be on its way still. Rejects when the lookup does.
   */
  findLosses(heads: ReadonlyMap<string, PublishedHead>): Promise<string[]>
}

/** A check that remembers its suspects. */
export function createEventCheck({ areStored }: EventCheckDeps): EventCheck {
  let suspects = new Map<string, PublishedHead>()

  async function findLosses(heads: ReadonlyMap<string, PublishedHead>): Promise<string[]> {
    const broken = [...heads].filter(([, head]) => head === BROKEN_HEAD)
    const next = [...heads].flatMap(([id, head]) => {
      const messageId = nextId(head)
      return messageId === undefined ? [] : [{ id, head, messageId }]
    })
    const stored = next.length === 0 ? [] : await areStored(next.map(({ messageId }) => messageId))
    const behind = next.filter((_, index) => stored[index]).map(({ id, head }) => [id, head] as const)
    const found = new Map([...broken, ...behind])
    const losses = [...found].filter(([id, head]) => suspects.get(id) === head).map(([id]) => id)
    suspects = found
    return losses
  }

  return { findLosses }
}
