import type { FileFormat } from '../transfer/file-conversation.ts'
import { FORMATS } from '../transfer/formats.ts'
import { importFiles } from '../transfer/import-files.ts'
import type { ImportReport } from '../transfer/import-record.ts'
import type { NoteCount } from '../transfer/notes.ts'
import { countOf, groupDigits, startProgress } from '../transfer/progress.ts'
import { NOT_OPENED, openSources, type Sources } from '../transfer/read/source-files.ts'
import {
  EXIT_CODES_HELP,
  type ExitCode,
  OWNER_HELP,
  runTransfer,
  type TransferCommand,
  type TransferJob,
} from './transfer-command.ts'

const HELP = `Usage: npm run import -- [--owner OWNER] FILE…

Imports conversations into the stores that the settings name. Each FILE is a file, a folder or a zip. What it holds is
known by itself:
${FORMATS.map(describeFormat).join('\n')}

In a folder or a zip with files that are named conversations….json only these are read, else all JSON and JSONL; the
others are named as skipped. A zip in a folder or in a zip is not opened: it is named, to be imported by itself. What
cannot be kept is left out alone, and the report counts and names it.

A second run stores nothing; a run after an interrupted one stores what is missing, and a newer export what is new. A
conversation without an "id" is known by its content. Images and other files are kept by their web address only. Servers
on Redis see what was imported at once; one on the embedded stores may still answer from its cache in conversations that
it holds there.

${OWNER_HELP}

${EXIT_CODES_HELP}`

const PROGRESS = '{bar} {percentage} %: conversations {conversations}, messages {messages} ({present} there already)'
const MAX_SKIPPED = 20

/** The command as it is called. */
export const IMPORT: TransferCommand<Sources> = {
  help: HELP,
  checkCount: (files) => (files.length === 0 ? 'Give at least one FILE.' : undefined),
  open: openSources,
  run,
}

if (import.meta.main) {
  process.exitCode = await runTransfer(IMPORT, {
    args: process.argv.slice(2),
    environment: process.env,
    print: (text) => console.log(text),
    printError: (text) => console.error(text),
    progressTo: process.stderr,
  })
}

function describeFormat({ name, files }: FileFormat): string {
  return files.map((line, index) => `  ${(index === 0 ? name : '').padEnd(18)}${line}`).join('\n')
}

async function run(sources: Sources, job: TransferJob): Promise<ExitCode> {
  const { config, stores, printError } = job
  const begun = performance.now()
  const { files, skipped, unopened } = sources
  if (skipped.length > 0) printError(`Skipped: ${listSome(skipped)}.`)
  if (unopened.length > 0) printError(`Skipped: ${unopened.join(', ')} (${NOT_OPENED}).`)
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  const limits = { ownerId: job.ownerId, maxMessageBytes: config.maxMessageBytes }
  const progress = startProgress(job.progressTo, PROGRESS, bytes, { conversations: 0, messages: 0, present: 0 })
  const onRetry = (waitMs: number) => {
    printError(`The history cannot be reached; trying again in ${(waitMs / 1_000).toFixed(1)} s.`)
  }
  const importing = importFiles({ ...stores, now: Date.now, onRetry }, files, limits, progress.update)
  const report = await importing.finally(() => {
    progress.stop()
    sources.close()
  })
  printReport(report, (performance.now() - begun) / 1000, job)
  return report.refused > 0 || report.hasLosses || unopened.length > 0 ? 1 : 0
}

function listSome(names: readonly string[]): string {
  const more = names.length - MAX_SKIPPED
  return names.slice(0, MAX_SKIPPED).join(', ') + (more > 0 ? ` and ${groupDigits(more)} more` : '')
}

function printReport(report: ImportReport, seconds: number, { print, printError }: TransferJob): void {
  const { conversations, messages, stored, present, tokens, refused, errors, notes } = report
  print(
    `Read ${countOf(conversations, 'conversation')}, ${countOf(messages, 'message')} (${countOf(tokens, 'token')} with their ` +
      `framing): ${groupDigits(stored)} stored, ${groupDigits(present)} there already, in ${seconds.toFixed(1)} s.`,
  )
  if (notes.length > 0) printError('Left out, cut or changed:')
  for (const note of notes) printError(describeNote(note))
  if (refused === 0) return
  printError(`${groupDigits(refused)} not imported:`)
  for (const error of errors) printError(`  ${error}`)
  if (refused > errors.length) printError(`  and ${groupDigits(refused - errors.length)} more`)
}

function describeNote({ what, count: times, places }: NoteCount): string {
  const more = times - places.length
  return [`  ${groupDigits(times)} × ${what}`, ...places, ...(more > 0 ? [`and ${groupDigits(more)} more`] : [])].join(
    '\n      ',
  )
}
