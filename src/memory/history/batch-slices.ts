import type { Message } from '../message.ts'

/** A message's other fields and its indexes, roughly. */
const FRAME_LENGTH = 500

/** The batch cut into runs of about `sliceLength` characters, in order; a message longer than that is alone. */
export function sliceBatch<M extends Pick<Message, 'parts'>>(messages: readonly M[], sliceLength: number): M[][] {
  const slices: M[][] = []
  let room = 0
  for (const message of messages) {
    const length = FRAME_LENGTH + lengthOf(message)
    const slice = slices.at(-1)
    if (slice !== undefined && length <= room) slice.push(message)
    else {
      slices.push([message])
      room = sliceLength
    }
    room -= length
  }
  return slices
}

function lengthOf({ parts }: Pick<Message, 'parts'>): number {
  const [only] = parts
  return parts.length === 1 && only?.type === 'text' ? only.text.length : JSON.stringify(parts).length
}
