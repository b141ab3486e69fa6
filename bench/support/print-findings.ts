import { type Finding, type Side, type Target, type Unit, verdictOf } from './finding.ts'
import type { Interval } from './interval.ts'

const HEAD = ['row', 'measured', 'A', 'B', 'figure', 'A against A', 'target', '']

/** The findings as a table; medians, quartiles of each side and the 95 % interval of each figure. */
export function findingsTable(findings: readonly (Finding & { row: string })[]): string {
  const lines = [HEAD, ...findings.map(lineOf)]
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const [head = '', ...rest] = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [head, '-'.repeat(widths.reduce((sum, width) => sum + width + 2, -2)), ...rest].join('\n')
}

function lineOf(finding: Finding & { row: string }): string[] {
  const { row, what, sides, unit, figure, noise, target } = finding
  const [a = '', b = ''] = sides.map((side) => `${side.name} ${sideText(side)}`)
  return [
    row,
    what,
    a,
    b,
    intervalText(figure, unit),
    noise ? intervalText(noise, unit) : '',
    target ? targetText(target, unit) : '',
    verdictOf(finding),
  ]
}

/** A side's median and quartiles, or its one value. */
export function sideText({ unit, spread: { median, lowerQuartile, upperQuartile } }: Side): string {
  return intervalText({ median, low: lowerQuartile, high: upperQuartile }, unit)
}

/** A median and its interval, or the one value that it is. */
export function intervalText({ median, low, high }: Interval, unit: Unit): string {
  return low === high ? `${number(median)} ${unit}` : `${number(median)} ${unit} (${number(low)}-${number(high)})`
}

function targetText(target: Target, unit: Unit): string {
  return 'atMost' in target ? `≤ ${target.atMost} ${unit}` : `≥ ${target.atLeast} ${unit}`
}

/** Three digits, as many as mean something here. */
function number(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}
