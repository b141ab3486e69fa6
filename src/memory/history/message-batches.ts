import type { Message } from '../message.ts'

/** A message's other fields and its indexes, roughly. */
const FRAME_LENGTH = 500

/** The messages in batches of about `batchLength` characters, in order; a message longer than that is alone. */
export function batchMessages<M extends Pick<Message, 'parts'>>(messages: readonly M[], batchLength: number): M[][] {
  const batches: M[][] = []
  let room = 0
  for (const message of messages) {
    const length = FRAME_LENGTH + lengthOf(message)
    const batch = batches.at(-1)
    if (batch !== undefined && length <= room) batch.push(message)
    else {
      batches.push([message])
      room = batchLength
    }
    room -= length
  }
  return batches
}

function lengthOf({ parts }: Pick<Message, 'parts'>): number {
  const [only] = parts
  return parts.length === 1 && only?.type === 'text' ? only.text.length : JSON.stringify(parts).length
}
