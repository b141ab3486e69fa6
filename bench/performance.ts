import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ChartSeries, drawLogChart } from './support/log-chart.ts'
import { intervalText, sideText } from './support/print-findings.ts'
import { DOCS, type PublishedRow, readPublished } from './support/published.ts'

const PAGE = join(DOCS, 'performance.md')
const CHART = join(DOCS, 'read-cost.svg')

/** What is promised; the figures are the rows' findings that have a target. */
const PROMISES = [
  {
    what: 'Context read, conversation of 1 M messages against 1 k',
    against: 'itself',
    target: '≤ 1.1',
    rows: ['length'],
  },
  {
    what: 'Context read on a miss, 1,000 messages, 3,000 tokens',
    against: "load all, count, trim (the usual code) · LangChain's MongoDB history with `trimMessages`",
    target: '≥ 20 × · ≥ 1,000 × faster',
    rows: ['miss', 'peers'],
  },
  {
    what: 'Context read on a hit, as a function call',
    against: 'one Redis `GET` and `JSON.parse` of the same messages',
    target: '≤ 1.2',
    rows: ['hit'],
  },
  {
    what: 'The same through HTTP and GraphQL',
    against: 'a bare Node server doing that · Mercurius with JIT on the same schema and store',
    target: '≥ 60 % of its throughput · ahead',
    rows: ['edge'],
  },
  {
    what: 'Redis memory per conversation of 1,000 messages',
    against: 'caching all',
    target: '≥ 95 % less; ≤ 1.4 bytes per byte of content held',
    rows: ['memory'],
  },
  {
    what: 'First delta through Backscroll',
    against: 'the model SDK alone, same upstream',
    target: '≤ 3 ms more at the median',
    rows: ['first-delta'],
  },
  {
    what: 'Deltas per second and core, flat out',
    against: 'a bare pass-through proxy',
    target: '≥ 50 %',
    rows: ['deltas'],
  },
  {
    what: '5,000 open streams, 4 deltas a second each',
    against: 'bare SSE, bare WebSocket',
    target: '≥ 70 %; no byte lost; ≤ 24 KB of heap each',
    rows: ['streams'],
  },
  { what: 'Start to the first answer', against: '–', target: '≤ 0.7 s', rows: ['start'] },
  {
    what: 'p99 of reads with Redis hung',
    against: 'Redis never configured',
    target: '≤ 1.2 once the breaker is open',
    rows: ['outage'],
  },
]

/** Subjects of the chart that share a colour, cold and warm, in the order of the colours. */
const SUBJECTS = ['Backscroll', 'Backscroll embedded', 'load, count, trim, cache', 'LangChain', 'Mastra', 'Redis list']

type Published = Record<string, PublishedRow>

const SECTIONS: Record<string, (published: Published) => string> = {
  targets: targetsTable,
  scenario: ({ scenario }) => sidesTable(['', 'before', 'after', 'figure'], scenario),
  peers: ({ peers }) => sidesTable(['', 'peer', 'Backscroll', 'figure'], peers),
  edge: ({ edge }) => sidesTable(['', 'server', 'Backscroll', 'figure'], edge),
  plans: ({ plans }) => sidesTable(['', 'without', 'with plans', 'figure'], plans),
  streams: ({ streams }) => sidesTable(['', 'bare', 'Backscroll', 'figure'], streams),
  deltas: ({ deltas }) => sidesTable(['', 'pass-through', 'Backscroll', 'figure'], deltas),
  append: ({ append }) => sidesTable(['', 'Backscroll', 'bare store', 'figure'], append),
  size: ({ size }) => (size ? takenBy(size) : '–'),
  nodes: ({ nodes }) => sidesTable(['', 'one node', 'two nodes', 'figure'], nodes),
}

if (import.meta.main) {
  const published = await readPublished()
  const fresh = [
    { path: PAGE, text: fillPage(await readFile(PAGE, 'utf8'), published) },
    ...(published.size ? [{ path: CHART, text: drawChart(published.size) }] : []),
  ]
  const isCheck = process.argv.includes('--check')
  for (const { path, text } of fresh) {
    if (!isCheck) await writeFile(path, text)
    else if ((await readFile(path, 'utf8')) !== text) {
      console.error(`${path} is not what docs/performance.json makes: npm run performance`)
      process.exitCode = 1
    }
  }
}

/** The page with its sections between `<!-- NAME -->` and `<!-- /NAME -->` made anew. */
function fillPage(page: string, published: Published): string {
  return page.replaceAll(/<!-- (\w+) -->[\s\S]*?<!-- \/\1 -->/g, (_, name: string) => {
    return `<!-- ${name} -->\n${SECTIONS[name]?.(published)}\n<!-- /${name} -->`
  })
}

function targetsTable(published: Published): string {
  return table(
    ['what', 'against', 'target', 'measured'],
    PROMISES.map(({ what, against, target, rows }) => {
      return [what, against, target, rows.flatMap((row) => figuresOf(published[row])).join('<br>') || '–']
    }),
  )
}

function figuresOf(row: PublishedRow | undefined): string[] {
  const promised = row?.findings.filter((finding) => finding.target) ?? []
  return promised.map(({ what, figure, unit, verdict }) => `${what}: ${intervalText(figure, unit)}, ${verdict}`)
}

function sidesTable(head: string[], row: PublishedRow | undefined): string {
  if (row === undefined) return '–'
  const lines = row.findings.map(({ what, sides, figure, unit }) => {
    const [a = '–', b = '–'] = sides.map(sideText)
    return [what, a, b, intervalText(figure, unit)]
  })
  return `${table(head, lines)}\n\n${takenBy(row)}`
}

function takenBy({ at, machine: { node, cpu, cores, load }, options: { slices }, notes }: PublishedRow): string {
  const servers = notes.filter((note) => note.startsWith('on ')).map((note) => note.slice('on '.length))
  const place = `Node ${node} on ${cores} cores of ${cpu}, load ${load} before the run`
  return `Taken ${at.slice(0, 10)} in at most ${slices} rounds: ${[place, ...servers].join('; ')}.`
}

function table(head: string[], lines: string[][]): string {
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function drawChart(row: PublishedRow): string {
  const series = new Map<string, { x: number; y: number }[]>()
  for (const { point, figure } of row.findings) {
    if (point === undefined) continue
    series.set(point.series, [...(series.get(point.series) ?? []), { x: point.messages, y: figure.median }])
  }
  return drawLogChart({
    title: 'Time of a context of 3,000 tokens',
    xLabel: 'messages in the conversation',
    yLabel: 'milliseconds',
    series: [...series].map(([name, points]): ChartSeries => {
      const subject = SUBJECTS.findLast((begin) => name.startsWith(begin)) ?? ''
      return { name, points, color: SUBJECTS.indexOf(subject), isDashed: name.endsWith(', warm') }
    }),
  })
}
