import type { Conversation } from '../../memory/conversation.ts'

/** The branches in the order in which they were last made active; the last one is active. */
export function selectionsOf({ selectedEpochs }: Pick<Conversation, 'selectedEpochs'>): string[] {
  return Object.entries(selectedEpochs)
    .sort(([, one], [, other]) => one - other)
    .map(([branch]) => branch)
}

/**
 * The branches that are to be selected, one after the other, so that their order becomes the wanted one: each of
 * `made` was selected when it was made, in this order, and the first ones that are in order already stay.
 */
export function restoreSelections(made: readonly string[], wanted: readonly unknown[]): string[] {
  const order = new Map(made.map((branch, index) => [branch, index]))
  const selections = wanted.filter((branch) => typeof branch === 'string')
  let last = -1
  const firstOut = selections.findIndex((branch) => {
    const index = order.get(branch)
    if (index === undefined || index <= last) return true
    last = index
    return false
  })
  return firstOut < 0 ? [] : selections.slice(firstOut)
}
