import { parseArgs } from 'node:util'
import type { Attack } from './attacks.ts'
import { BODY_ATTACKS } from './body-attacks.ts'
import { BURST_ATTACKS } from './burst-attacks.ts'
import { HOST_ATTACKS } from './host-attacks.ts'
import { PROVIDER_ATTACKS } from './provider-attacks.ts'
import { QUERY_ATTACKS } from './query-attacks.ts'
import { type AttackResult, createAttackRunner, LIMITS } from './run-attack.ts'
import { SLOW_CLIENT_ATTACKS } from './slow-client-attacks.ts'
import { STORE_ATTACKS } from './store-attacks.ts'
import { WORDING_ATTACKS } from './wording-attacks.ts'

const ATTACKS: readonly Attack[] = [
  ...HOST_ATTACKS,
  ...QUERY_ATTACKS,
  ...SLOW_CLIENT_ATTACKS,
  ...BODY_ATTACKS,
  ...BURST_ATTACKS,
  ...WORDING_ATTACKS,
  ...PROVIDER_ATTACKS,
  ...STORE_ATTACKS,
]
const GROUPS = [...new Set(ATTACKS.map(({ group }) => group))]

const USAGE = `npm run attack -- [NAME...] [--main FILE]
  NAME...      attacks or groups of them; all by default
  --main FILE  the server's main module (src/main.ts)
Groups: ${GROUPS.join(' ')}
Attacks: ${ATTACKS.map(({ name }) => name).join(' ')}`

const LEGEND = `held: the longest turn of the server's event loop, in milliseconds of its processor time (limit ${LIMITS.heldMs}).
grown: the most resident memory over that before, in MB (limit ${LIMITS.grownMb}). kept: what a collection leaves of it (limit ${LIMITS.keptMb}).
other: the longest that another client waited for an answer, in milliseconds (limit ${LIMITS.otherMs} more than in the second before, calm).`

const WIDTHS = [8, 28, 9, 9, 8, 9, 6, 8]

await main()

/** Attacks servers one after another and prints a line for each; exit code 1 when one breaks a limit. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { main: { type: 'string' }, help: { type: 'boolean', default: false } },
  })
  const chosen = ATTACKS.filter(
    ({ name, group }) => positionals.length === 0 || positionals.includes(name) || positionals.includes(group),
  )
  const isWrong = positionals.some((word) => !chosen.some(({ name, group }) => word === name || word === group))
  if (values.help || isWrong) {
    console.log(USAGE)
    process.exitCode = isWrong ? 1 : 0
    return
  }
  const runner = createAttackRunner(values.main)
  console.log(`${LEGEND}\n\n${line(['', 'attack', 'held', 'grown', 'kept', 'other', 'calm', 'took', 'outcome'])}`)
  let broken = 0
  try {
    for (const attack of chosen) {
      const text = await runner.run(attack).then(
        (result) => {
          if (result.breaks.length > 0) broken += 1
          return lineOf(attack, result)
        },
        (error: unknown) => {
          // Those after it do not need it.
          broken += 1
          return line(['BROKEN', attack.name, String(error)])
        },
      )
      console.log(text)
    }
  } finally {
    await runner.close()
  }
  console.log(`\n${chosen.length - broken} of ${chosen.length} attacks stayed within all limits.`)
  if (broken > 0) process.exitCode = 1
}

function lineOf(
  { name }: Attack,
  { breaks, heldMs, grownMb, keptMb, otherMs, calmMs, tookMs, outcome }: AttackResult,
): string {
  const mark = (what: string, value: number | undefined) =>
    `${value === undefined ? 'no answer' : Math.round(value)}${breaks.includes(what) ? '!' : ''}`
  const figures = [
    mark('held', heldMs),
    mark('grown', grownMb),
    mark('kept', keptMb),
    mark('other', otherMs),
    mark('calm', calmMs),
  ]
  const took = `${(tookMs / 1_000).toFixed(1)} s`
  return line([
    breaks.length > 0 ? 'BROKEN' : 'ok',
    name,
    ...figures,
    took,
    `${outcome}${breaks.includes('outcome') ? ' !' : ''}`,
  ])
}

function line(cells: readonly string[]): string {
  return cells
    .map((cell, column) => cell.padEnd(WIDTHS[column] ?? 0))
    .join(' ')
    .trimEnd()
}
