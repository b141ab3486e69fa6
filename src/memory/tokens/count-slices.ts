/** A part of what is to be counted: texts of messages, each group with the index of its message. */
export interface CountSlice {
  groups: string[][]
  /** Of the first group's message; those of the others follow. */
  first: number
  characters: number
}

/*
 * No piece of any encoding's pattern has a space behind what is no white space, or any white space behind a letter or
 * a number. So a text is cut there and its halves are counted alone: `\S` takes one code point before the cut.
 */
const CUTTABLE = /\S(?= )|[\p{L}\p{N}](?=\s)/gu

/**
 * The texts of messages in slices of about `sliceCharacters`, to be counted one by one and added up. Long texts are cut
 * where no token can reach across, which a text without spaces has nowhere. `texts` are made when their turn comes.
 */
export function* countSlices(texts: Iterable<string[]>, sliceCharacters: number): Generator<CountSlice> {
  let slice: CountSlice = { groups: [], first: 0, characters: 0 }
  let message = 0
  for (const group of texts) {
    slice.groups.push([])
    for (const text of group) {
      for (const part of cutText(text, sliceCharacters)) {
        slice.groups.at(-1)?.push(part)
        slice.characters += part.length
        if (slice.characters < sliceCharacters) continue
        yield slice
        slice = { groups: [[]], first: message, characters: 0 }
      }
    }
    message += 1
  }
  if (slice.characters > 0) yield slice
}

function* cutText(text: string, sliceCharacters: number): Generator<string> {
  let begin = 0
  while (text.length - begin > sliceCharacters) {
    CUTTABLE.lastIndex = begin + sliceCharacters
    if (!CUTTABLE.test(text)) break
    const end = CUTTABLE.lastIndex
    yield text.slice(begin, end)
    begin = end
  }
  yield text.slice(begin)
}
