import { readdir, stat } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import { type ExportFormat, exportFile } from '../transfer/export-file.ts'
import { countOf, startProgress } from '../transfer/progress.ts'
import { FileFormatError } from '../transfer/read/read-text.ts'
import {
  EXIT_CODES_HELP,
  type ExitCode,
  OWNER_HELP,
  runTransfer,
  type TransferCommand,
  type TransferJob,
} from './transfer-command.ts'

const HELP = `Usage: npm run export -- [--owner OWNER] FILE

Writes all conversations, archived ones included, with everything: the active path of each as chat completions APIs
take it, the messages of other versions beside it, and what that format has no place for in fields named "backscroll".
FILE.json becomes one JSON array, any other name JSONL, one conversation a line. An import elsewhere makes the same
conversations of it, ids, dates, versions and redactions included; records of replies are not among it.

The file is written beside FILE as FILE.partial and takes its place when it is whole; an interrupted export is run
again. A FILE that is there already stays until then and is replaced, which the command says at its end.

${OWNER_HELP}

${EXIT_CODES_HELP}`

const PROGRESS = 'conversations {conversations}, messages {messages}'

/** The command as it is called. */
export const EXPORT: TransferCommand<string> = {
  help: HELP,
  checkCount,
  open,
  run,
}

if (import.meta.main) {
  process.exitCode = await runTransfer(EXPORT, {
    args: process.argv.slice(2),
    environment: process.env,
    print: (text) => console.log(text),
    printError: (text) => console.error(text),
    progressTo: process.stderr,
  })
}

function checkCount(files: readonly string[]): string | undefined {
  if (files.length !== 1) return 'Give one FILE.'
  return files[0] === '-' ? 'Give one FILE: an export is not written to the standard output.' : undefined
}

async function open([file = '']: readonly string[]): Promise<string> {
  await readdir(dirname(file))
  const found = await stat(file).catch(() => undefined)
  if (found?.isDirectory()) throw new FileFormatError(`${file} is a folder: name a file to write.`)
  return file
}

async function run(file: string, { stores, ownerId, print, progressTo }: TransferJob): Promise<ExitCode> {
  const begun = performance.now()
  const isThere = (await stat(file).catch(() => undefined)) !== undefined
  const format: ExportFormat = extname(file).toLowerCase() === '.json' ? 'json' : 'jsonl'
  const progress = startProgress(progressTo, PROGRESS, 0, { conversations: 0, messages: 0 })
  const onProgress = (numbers: object) => progress.update(0, numbers)
  const exporting = exportFile(stores, file, { ownerId, format }, onProgress)
  const { conversations, messages, tokens } = await exporting.finally(progress.stop)
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  const said = `${countOf(messages, 'message')} (${countOf(tokens, 'token')})`
  print(`Wrote ${countOf(conversations, 'conversation')}, ${said} in ${seconds} s.`)
  if (isThere) print(`Replaced the file that was there: ${file}`)
  return 0
}
