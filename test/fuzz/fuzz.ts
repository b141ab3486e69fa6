import { parseArgs } from 'node:util'
import { type FuzzReport, runFuzz } from './run-fuzz.ts'

const USAGE = `npm run fuzz -- [OPTIONS]
  --seed N                     where the random steps begin (one by chance)
  --seconds N                  how long (30)
  --workers N                  clients at once (4)
  --stores embedded|servers    what the servers store in; with servers there are two nodes (embedded)
  --keep-going                 looks for other kinds of harm after the first
  --main FILE                  the servers' main module (src/main.ts)`

await main()

/** Fuzzes a server and prints what came of it; exit code 1 when something did harm. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      seconds: { type: 'string', default: '30' },
      workers: { type: 'string', default: '4' },
      stores: { type: 'string', default: 'embedded' },
      'keep-going': { type: 'boolean', default: false },
      main: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const [seed = 0, seconds = 0, workers = 0] = [values.seed, values.seconds, values.workers].map(Number)
  const stores = values.stores === 'embedded' || values.stores === 'servers' ? values.stores : undefined
  if (values.help || stores === undefined || !(seed >= 0 && seconds > 0 && workers > 0)) {
    console.log(USAGE)
    process.exitCode = values.help ? 0 : 1
    return
  }
  const again = `npm run fuzz -- --seed ${seed} --seconds ${seconds} --workers ${workers} --stores ${stores}`
  console.log(again)
  const keepsGoing = values['keep-going'] && { isEnough: () => false }
  const other = values.main !== undefined && { main: values.main }
  const report = await runFuzz({ seed, seconds, workers, stores, ...keepsGoing, ...other })
  print(report)
  if (report.failures.length === 0) return
  for (const { what, sent, log, times } of report.failures) {
    console.log(
      `\nFAILED (${times} times): ${what}\n\nSent, the smallest that did it:\n${sent}\nLogged meanwhile:\n${log}`,
    )
  }
  console.log(`\nAgain: ${again}`)
  process.exitCode = 1
}

function print({ steps, outcomes, worstAnswerMs, keptMb }: FuzzReport): void {
  const counts = Object.entries(outcomes).sort(([, a], [, b]) => b - a)
  console.log(`${steps} steps: ${counts.map(([outcome, count]) => `${count} × ${outcome}`).join(', ')}`)
  console.log(`another client waited ${Math.round(worstAnswerMs)} ms at most; kept memory ${keptMb.join(' → ')} MB`)
}
