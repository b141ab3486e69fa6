import { type AST, RegExpParser, visitRegExpAST } from '@eslint-community/regexpp'
import { analyse } from 'scslre'

/** More repetitions than these are as good as repetitions without an end. */
const MANY = 100

/**
 * Whether a pattern, a literal of JavaScript, takes no more than the length of its text for certain. Where it must begin
 * is searched at each place of the text, so that there only its end may repeat; and what it repeats are single
 * characters. For what is left `scslre`, on which eslint-plugin-regexp stands, is exact: whether two repetitions can take
 * the same text.
 *
 * Strict, where `recheck` is exact: that takes minutes and 6 GB for a pattern that counts to 10,000.
 */
export function isLinearPattern(literal: string): boolean {
  const { pattern, flags } = new RegExpParser().parseLiteral(literal)
  const isSafe = pattern.alternatives.every((alternative) => {
    const repeated = repetitionsIn(alternative)
    return isAnchored(alternative, flags) || repeated.every((one) => one === alternative.elements.at(-1))
  })
  return isSafe && repetitionsIn(pattern).every(repeatsCharacters) && areApart(pattern.raw, flags.raw)
}

function isAnchored({ elements: [first] }: AST.Alternative, { multiline, sticky }: AST.Flags): boolean {
  return sticky || (!multiline && first?.type === 'Assertion' && first.kind === 'start')
}

function repetitionsIn(node: AST.Node): AST.Quantifier[] {
  const found: AST.Quantifier[] = []
  visitRegExpAST(node, {
    onQuantifierEnter(quantifier) {
      if (quantifier.max >= MANY) found.push(quantifier)
    },
  })
  return found
}

function repeatsCharacters({ element }: AST.Quantifier): boolean {
  return element.type === 'Character' || element.type === 'CharacterSet' || element.type === 'CharacterClass'
}

function areApart(raw: string, flags: string): boolean {
  const source = raw.replaceAll(/\{(\d+),\d{3,}\}/g, '{$1,}')
  return analyse({ source, flags }, { reportTypes: { Move: false } }).reports.length === 0
}
