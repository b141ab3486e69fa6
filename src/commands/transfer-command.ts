import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'
import { type Config, ConfigError, loadConfig } from '../config.ts'
import { HistoryUnavailableError, StartError } from '../errors.ts'
import { createLog, type Log } from '../log.ts'
import { logUnreadableOnce } from '../log-unreadable-once.ts'
import { type OpenMemory, openMemory } from '../open-memory.ts'

/** A command that works on one file and the configured stores. */
export interface TransferCommand {
  help: string
  options: ParseArgsOptionsConfig
  /** Before anything is opened; rejects when the file cannot be used. */
  checkFile(file: string): Promise<unknown>
  run(job: TransferJob): Promise<ExitCode>
}

/** One run of a command: its file and options, on open stores. */
export interface TransferJob {
  file: string
  values: Record<string, unknown>
  config: Config
  stores: OpenMemory
}

/** What a command ends with, as its help says. */
export type ExitCode = 0 | 1 | 2 | 3

/** The exit codes, for the helps. */
export const EXIT_CODES_HELP = `Exit codes:
  0  all is done
  1  some conversations were not imported: the list says which and why
  2  the command line, a setting or the file cannot be used
  3  a store failed: run the same command again, nothing doubles`

/** The owner of what these commands read and write. */
export const OWNER_ID = 'local'

/** What the program that runs a command passes to it: arguments, settings, standard output and error. */
export interface CommandCaller {
  args: string[]
  environment: Readonly<Record<string, string | undefined>>
  print(text: string): void
  printError(text: string): void
}

/** Background work of a large import may take longer than a server's shutdown may. */
const DRAIN_MS = 60_000

/** Runs a command to its exit code: reads the command line and the settings, opens the stores and closes them. */
export async function runTransfer(command: TransferCommand, caller: CommandCaller): Promise<ExitCode> {
  const { args, environment, print, printError } = caller
  const log = logUnreadableOnce(createLog('warn', 2), Date.now)
  try {
    const { values, positionals } = readCommandLine(command, args)
    if (values.help) {
      print(command.help)
      return 0
    }
    const [file, ...others] = positionals
    if (file === undefined || others.length > 0) throw new UsageError('Give one FILE.')
    const config = loadConfig(environment)
    await command.checkFile(file)
    return await withStores(config, log, (stores) => command.run({ file, values, config, stores }))
  } catch (error) {
    return explain(error, printError, log)
  }
}

class UsageError extends Error {}

function readCommandLine({ options }: TransferCommand, args: string[]) {
  try {
    const all = { ...options, help: { type: 'boolean', short: 'h' } } as const
    return parseArgs({ args, options: all, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

async function withStores(
  config: Config,
  log: Log,
  work: (stores: OpenMemory) => Promise<ExitCode>,
): Promise<ExitCode> {
  const stores = await openMemory(config, log)
  try {
    await stores.prepare()
    return await work(stores)
  } finally {
    await stores.close(DRAIN_MS)
  }
}

/** Prints what people can put right without a stack. */
function explain(error: unknown, printError: (text: string) => void, log: Log): ExitCode {
  if (error instanceof UsageError) printError(`${error.message} See --help.`)
  else if (error instanceof ConfigError || error instanceof StartError) printError(error.message)
  else if (error instanceof Error && 'syscall' in error) printError(error.message)
  else if (error instanceof HistoryUnavailableError) {
    printError(`${error.message} Run the same command again: nothing doubles. (${causeOf(error)})`)
    return 3
  } else {
    log.error({ err: error }, 'failed')
    return 3
  }
  return 2
}

function causeOf({ cause }: Error): string {
  return cause instanceof Error ? cause.message : String(cause)
}
