import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { SERVERS } from '../chat/model/wire/dialects/dialect.ts'
import { DIALECTS, type DialectChapter } from '../chat/model/wire/dialects/dialects.ts'

const FILE = new URL('../../docs/dialects.md', import.meta.url)
const CASES = new URL('../../test/chat/model/cases/', import.meta.url)
const ROWS = /(?<=<!-- rows: npm run dialects -->\n).*(?=<!-- end of rows -->)/s

/** The table of dialects as docs/dialects.md holds it: a table for each chapter, and one of the servers. */
export function printDialects(): string {
  return `\n${DIALECTS.map(printChapter).join('\n')}\n${printServers()}\n`
}

function printChapter({ title, rows }: DialectChapter): string {
  const hasNames = rows.some(({ names }) => names !== undefined)
  const lines = rows.map(({ odd, names, by, reads, seen, cases }) => {
    const where = names?.map((name) => `\`${name}\``).join(' ') ?? `\`${by?.join('` `') ?? ''}\``
    return lineOf([where, odd, String(reads), seen.join(', '), cases.join(' ')])
  })
  return tableOf(title, [hasNames ? 'names' : 'read by', 'what is odd', 'read as', 'seen at', 'cases'], lines)
}

/** How many cases name each server: cut from reports, and made from its description. */
function printServers(): string {
  const cases = readCases()
  const lines = SERVERS.map((server) => {
    const rows = DIALECTS.flatMap((chapter) => chapter.rows).filter(({ seen }) => seen.includes(server))
    // Azure OpenAI is Azure in the cases.
    const word = server.split(' ')[0] ?? server
    const own = cases.filter(({ seen }) => seen?.split(/[^\w.]/).includes(word === 'GitHub' ? 'Copilot' : word))
    const count = (letter: string) => String(own.filter(({ id }) => id.startsWith(letter)).length)
    return lineOf([server, String(rows.length), count('C'), count('D')])
  })
  return tableOf('By server', ['server', 'rows', 'cases from reports', 'and from descriptions'], lines)
}

function readCases(): { id: string; seen?: string }[] {
  return readdirSync(CASES).flatMap((name) => JSON.parse(readFileSync(new URL(name, CASES), 'utf8')))
}

function tableOf(title: string, head: readonly string[], lines: readonly string[]): string {
  return `## ${title}\n\n${[lineOf(head), lineOf(head.map(() => '---')), ...lines].join('\n')}\n`
}

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

/** Writes the rows into docs/dialects.md or, when only checking, says whether they are those of the table. */
function run(isCheck: boolean): string | undefined {
  const page = readFileSync(FILE, 'utf8')
  const printed = page.replace(ROWS, () => printDialects())
  if (!isCheck) writeFileSync(FILE, printed)
  return printed === page || !isCheck ? undefined : 'docs/dialects.md is not what the table says: npm run dialects'
}

if (import.meta.main) {
  const fault = run(process.argv.includes('--check'))
  if (fault !== undefined) {
    console.error(fault)
    process.exitCode = 1
  }
}
