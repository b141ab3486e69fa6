import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureAppend } from './append.ts'
import { measureDeltas } from './deltas.ts'
import { measureEdge } from './edge.ts'
import { measureFirstDelta } from './first-delta.ts'
import { measureHit } from './hit.ts'
import { measureLength } from './length.ts'
import { measureMemory } from './memory.ts'
import { measureMiss } from './miss.ts'
import { measureNodes } from './nodes.ts'
import { measureOutage } from './outage.ts'
import { measurePeers } from './peers.ts'
import { measurePlans } from './plans.ts'
import { measureReaders } from './readers.ts'
import { measureScenario } from './scenario.ts'
import { measureSize } from './size.ts'
import { measureStart } from './start.ts'
import { measureStreams } from './streams.ts'
import { type Finding, verdictOf } from './support/finding.ts'
import { createGrounds, type Grounds } from './support/grounds.ts'
import { findingsTable } from './support/print-findings.ts'
import { type BenchRun, publish } from './support/published.ts'

const ROWS: Record<string, (grounds: Grounds) => Promise<Finding[]>> = {
  hit: measureHit,
  edge: measureEdge,
  plans: measurePlans,
  miss: measureMiss,
  append: measureAppend,
  memory: measureMemory,
  'first-delta': measureFirstDelta,
  deltas: measureDeltas,
  streams: measureStreams,
  start: measureStart,
  length: measureLength,
  outage: measureOutage,
  peers: measurePeers,
  readers: measureReaders,
  scenario: measureScenario,
  size: measureSize,
  nodes: measureNodes,
}

const USAGE = `npm run bench -- [NAME...] [OPTIONS]
  NAME...                 rows to run, of: ${Object.keys(ROWS).join(' ')}; all by default
  --slices N              rounds of a comparison (40)
  --slice-ms N            least time of a slice (50)
  --messages N            messages of the long conversation in SQLite (1,000,000)
  --mongodb-messages N    and in MongoDB (100,000)
  --streams N             streams that are open at once, to each server (1,000)
  --publish               put the figures of these rows into docs/performance.json`

const LEGEND = `A and B: medians of the slices with their quartiles. Figure: the median of all rounds with its 95 % interval.
A against A: the same figure for A and A, which is 1 (or 0 ms) on a quiet machine; a verdict allows for it.`

const RESULTS = join(import.meta.dirname, 'results')

await main()

/** Runs the rows that the arguments name, prints the table and keeps it as JSON in bench/results. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      slices: { type: 'string', default: '40' },
      'slice-ms': { type: 'string', default: '50' },
      messages: { type: 'string', default: '1000000' },
      'mongodb-messages': { type: 'string', default: '100000' },
      publish: { type: 'boolean', default: false },
      streams: { type: 'string', default: '1000' },
      help: { type: 'boolean', default: false },
    },
  })
  const options = {
    slices: Number(values.slices),
    sliceMs: Number(values['slice-ms']),
    messages: Number(values.messages),
    mongodbMessages: Number(values['mongodb-messages']),
    streams: Number(values.streams),
  }
  const names = positionals.length > 0 ? positionals : Object.keys(ROWS)
  const isWrong = names.some((name) => !(name in ROWS)) || Object.values(options).some((value) => !(value >= 1))
  if (values.help || isWrong) {
    console.log(USAGE)
    process.exitCode = isWrong ? 1 : 0
    return
  }
  const [load = 0] = loadavg()
  const grounds = createGrounds(options)
  try {
    const findings = await runRows(names, grounds)
    console.log(`\n${findingsTable(findings)}\n\n${LEGEND}`)
    const run = runOf(findings, grounds, load)
    await writeResults(run)
    if (values.publish) await publish(run)
  } finally {
    await grounds.close()
  }
}

async function runRows(names: readonly string[], grounds: Grounds): Promise<(Finding & { row: string })[]> {
  const findings: (Finding & { row: string })[] = []
  for (const row of names) {
    const begin = performance.now()
    try {
      for (const finding of (await ROWS[row]?.(grounds)) ?? []) findings.push({ row, ...finding })
    } catch (error) {
      // The rows before it took minutes, and those behind it do not need it.
      console.error(`${row} failed:`, error)
      process.exitCode = 1
    }
    console.log(`${row} took ${((performance.now() - begin) / 1_000).toFixed(0)} s`)
  }
  return findings
}

async function writeResults(run: BenchRun): Promise<void> {
  const path = join(RESULTS, `${run.at.replaceAll(':', '-')}.json`)
  await mkdir(RESULTS, { recursive: true })
  await writeFile(path, `${JSON.stringify(run, null, 2)}\n`)
  console.log(`written to ${path}`)
}

function runOf(findings: readonly (Finding & { row: string })[], { options, notes }: Grounds, load: number): BenchRun {
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, load }
  const rows = findings.map((finding) => ({ ...finding, verdict: verdictOf(finding) }))
  return { at: new Date().toISOString(), machine, options, notes, rows }
}
