import { stat } from 'node:fs/promises'
import { dirname, extname } from 'node:path'
import { type ExportFormat, exportFile } from '../transfer/export-file.ts'
import { startProgress } from '../transfer/progress.ts'
import { EXIT_CODES_HELP, type ExitCode, OWNER_ID, runTransfer, type TransferJob } from './transfer-command.ts'

const HELP = `Usage: npm run export -- FILE

Writes all conversations, archived ones included, along their active paths, as the import reads them: what the chat
completions format has no place for stands in fields named "backscroll". FILE.json becomes one JSON array, any
other name JSONL, one conversation a line.

The file is written beside FILE as FILE.partial and takes its place when it is whole; an interrupted export is run
again. Other versions of messages, external ids, and the times of conversations are not restored by an import.

${EXIT_CODES_HELP}`

const PROGRESS = '{conversations} conversations, {messages} messages'

process.exitCode = await runTransfer(
  { help: HELP, options: {}, checkFile: (file) => stat(dirname(file)), run },
  {
    args: process.argv.slice(2),
    environment: process.env,
    print: (text) => console.log(text),
    printError: (text) => console.error(text),
  },
)

async function run({ file, stores }: TransferJob): Promise<ExitCode> {
  const begun = performance.now()
  const format: ExportFormat = extname(file).toLowerCase() === '.json' ? 'json' : 'jsonl'
  const progress = startProgress(process.stderr, PROGRESS, 0, { conversations: 0, messages: 0 })
  const onProgress = (numbers: object) => progress.update(0, numbers)
  const exporting = exportFile(stores.memory, file, { ownerId: OWNER_ID, format }, onProgress)
  const { conversations, messages, tokens } = await exporting.finally(progress.stop)
  const [conversationCount, messageCount, tokenCount] = [conversations, messages, tokens].map((value) =>
    value.toLocaleString('en'),
  )
  console.log(
    `Wrote ${conversationCount} conversations, ${messageCount} messages (${tokenCount} tokens) ` +
      `in ${((performance.now() - begun) / 1000).toFixed(1)} s.`,
  )
  return 0
}
