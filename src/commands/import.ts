import { access, constants, stat } from 'node:fs/promises'
import { type ImportReport, importFile } from '../transfer/import-file.ts'
import { startProgress } from '../transfer/progress.ts'
import { EXIT_CODES_HELP, type ExitCode, OWNER_ID, runTransfer, type TransferJob } from './transfer-command.ts'

const HELP = `Usage: npm run import -- FILE

Imports conversations, into the stores that the settings name. FILE is UTF-8:
  JSON   an array of conversations {"id": …, "messages": [{"role": …, "content": …}]}, one such object, or one list
         of messages, in the format of chat completions APIs; "createdAt" and "title" are read too
  JSONL  one such conversation a line, with or without "id": fine-tuning files, and what the export wrote
  ChatGPT's conversations.json, with all versions of every message; the path that it shows becomes the active one

A second run stores nothing; a run after an interrupted one stores what is missing. A conversation without an "id"
is known by its content. A conversation with an error is not stored; the others are. Images and other files are
kept by their http or https address only. Servers on Redis see what was imported at once; one on the embedded
stores may still answer from its cache in conversations that it holds there.

${EXIT_CODES_HELP}`

const PROGRESS = '{bar} {percentage} %: {conversations} conversations, {messages} messages ({present} there already)'

process.exitCode = await runTransfer(
  { help: HELP, options: {}, checkFile: (file) => access(file, constants.R_OK), run },
  {
    args: process.argv.slice(2),
    environment: process.env,
    print: (text) => console.log(text),
    printError: (text) => console.error(text),
  },
)

async function run({ file, config, stores }: TransferJob): Promise<ExitCode> {
  const begun = performance.now()
  const { size } = await stat(file)
  const limits = { ownerId: OWNER_ID, maxMessageBytes: config.maxMessageBytes }
  const none = { conversations: 0, messages: 0, present: 0 }
  const progress = startProgress(process.stderr, PROGRESS, size, none)
  const report = await importFile({ ...stores, now: Date.now }, file, limits, progress.update).finally(progress.stop)
  printReport(file, report, (performance.now() - begun) / 1000)
  return report.refused > 0 ? 1 : 0
}

function printReport(file: string, report: ImportReport, seconds: number): void {
  const { conversations, messages, stored, present, tokens, refused, errors } = report
  const number = (value: number) => value.toLocaleString('en')
  console.log(
    `Read ${number(conversations)} conversations, ${number(messages)} messages (${number(tokens)} tokens with their ` +
      `framing): ${number(stored)} stored, ${number(present)} there already, in ${seconds.toFixed(1)} s.`,
  )
  if (refused === 0) return
  console.error(`${number(refused)} not imported:`)
  for (const error of errors) console.error(`  ${file}: ${error}`)
  if (refused > errors.length) console.error(`  and ${number(refused - errors.length)} more`)
}
