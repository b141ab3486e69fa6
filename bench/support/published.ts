import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Finding, Verdict } from './finding.ts'
import type { BenchOptions } from './grounds.ts'

/** One run of the bench, all of it: where and how it was taken, and what came out. */
export interface BenchRun {
  at: string
  /** `load` is the load average of the last minute when it began. */
  machine: { node: string; cpu: string | undefined; cores: number; load: number }
  options: BenchOptions
  notes: readonly string[]
  rows: readonly (Finding & { row: string; verdict: Verdict })[]
}

/** What is published of a row: the run that measured it last, and its findings without their rounds. */
export interface PublishedRow extends Omit<BenchRun, 'rows'> {
  findings: (Omit<Finding, 'rounds'> & { verdict: Verdict })[]
}

/** Where the documentation is that the figures are published in. */
export const DOCS = join(import.meta.dirname, '..', '..', 'docs')

const FILE = join(DOCS, 'performance.json')

/** The figures that the documentation shows, by row. */
export async function readPublished(): Promise<Record<string, PublishedRow>> {
  return JSON.parse(await readFile(FILE, 'utf8')) as Record<string, PublishedRow>
}

/** Replaces the figures of the rows that were run, and keeps those of all others. */
export async function publish({ rows, ...run }: BenchRun): Promise<void> {
  const published = await readPublished()
  for (const row of new Set(rows.map((finding) => finding.row))) {
    const findings = rows.filter((finding) => finding.row === row).map(({ row: _, rounds: __, ...finding }) => finding)
    published[row] = { ...run, findings }
  }
  await writeFile(FILE, `${JSON.stringify(published, roundNumbers, 1)}\n`)
}

/** Four digits: more are noise, and make every new figure a change of many lines. */
function roundNumbers(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value
}
