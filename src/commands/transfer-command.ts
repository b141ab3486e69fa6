import { parseArgs } from 'node:util'
import { faultOfOwnerId, LOCAL_OWNER } from '../access/caller.ts'
import { type Config, ConfigError, loadConfig } from '../config.ts'
import { HistoryUnavailableError, StartError } from '../errors.ts'
import { createLog, type Log } from '../log.ts'
import { logUnreadableOnce } from '../log-unreadable-once.ts'
import { type OpenMemory, openMemory } from '../open-memory.ts'
import { FileFormatError } from '../transfer/read/read-text.ts'

/** A command that works on files and the configured stores. */
export interface TransferCommand<Opened> {
  help: string
  /** Why these cannot be the files, if so. */
  checkCount(files: readonly string[]): string | undefined
  /** Before a store is opened; rejects when a file cannot be used. */
  open(files: readonly string[]): Promise<Opened>
  run(opened: Opened, job: TransferJob): Promise<ExitCode>
}

/** What one run of a command works with. */
export interface TransferJob {
  config: Config
  stores: OpenMemory
  /** Whose conversations are read or written. */
  ownerId: string
  print(text: string): void
  printError(text: string): void
  /** Where progress is shown. */
  progressTo: NodeJS.WriteStream | undefined
}

/** What a command ends with, as its help says. */
export type ExitCode = 0 | 1 | 2 | 3

/** The exit codes, for the helps. */
export const EXIT_CODES_HELP = `Exit codes:
  0  all is done
  1  some conversations, messages or zips were left out: the list says which and why
  2  the command line, a setting or the file cannot be used
  3  a store failed: run the same command again, nothing doubles`

/** The option of both, for the helps. */
export const OWNER_HELP = `Options:
  --owner OWNER  whose conversations they are, as tokens and back ends name it (TENANT/OWNER with AUTH_TENANT_CLAIM);
                 without it: local, the owner of a server without authentication`

/** What the program that runs a command passes to it: arguments, settings, standard output and error. */
export interface CommandCaller {
  args: string[]
  environment: Readonly<Record<string, string | undefined>>
  print(text: string): void
  printError(text: string): void
  /** Where progress is shown; absent: nowhere. */
  progressTo?: NodeJS.WriteStream
}

/** Background work of a large import may take longer than a server's shutdown may. */
const DRAIN_MS = 60_000

/** Runs a command to its exit code: reads the command line and the settings, opens the stores and closes them. */
export async function runTransfer<Opened>(command: TransferCommand<Opened>, caller: CommandCaller): Promise<ExitCode> {
  const { args, environment, print, printError, progressTo } = caller
  const log = logUnreadableOnce(createLog('warn', 2), Date.now)
  try {
    const { values, positionals } = readCommandLine(args)
    if (values.help) {
      print(command.help)
      return 0
    }
    const fault = command.checkCount(positionals)
    if (fault !== undefined) throw new UsageError(fault)
    const ownerId = values.owner ?? LOCAL_OWNER
    const ownerFault = faultOfOwnerId(ownerId)
    if (ownerFault !== undefined) throw new UsageError(`--owner ${ownerFault}.`)
    const config = loadConfig(environment)
    const opened = await command.open(positionals)
    printError(`The history: ${nameHistory(config)}`)
    return await withStores(config, log, (stores) =>
      command.run(opened, { config, stores, ownerId, print, printError, progressTo }),
    )
  } catch (error) {
    return explain(error, printError, log)
  }
}

class UsageError extends Error {}

function readCommandLine(args: string[]) {
  try {
    const options = { help: { type: 'boolean', short: 'h' }, owner: { type: 'string' } } as const
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}

/** Without the user and the password. */
function nameHistory({ mongodbUrl, dataDir }: Config): string {
  if (mongodbUrl === undefined) return `the embedded one in ${dataDir} (MONGODB_URL is not set)`
  return `MongoDB at ${mongodbUrl.replace(/^(mongodb[^/]*\/\/)(?:.*@)?([^/?]*).*$/s, '$2')}`
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
  else if (error instanceof FileFormatError) printError(error.message)
  else if (error instanceof Error && 'syscall' in error) printError(describeFault(error))
  else if (error instanceof HistoryUnavailableError) {
    printError(`${error.message} Run the same command again: nothing doubles. (${causeOf(error)})`)
    return 3
  } else {
    log.error({ err: error }, 'failed')
    return 3
  }
  return 2
}

/** What people can do about it comes first; the system's own word stands behind it. */
const FAULTS = new Map<unknown, string>([
  ['ENOENT', 'There is no such file or folder'],
  ['EISDIR', 'It is a folder, where a file is needed'],
  ['ENOTDIR', 'A part of the path is no folder'],
  ['EACCES', 'This user may not read or write it'],
  ['EPERM', 'This user may not read or write it'],
  ['EROFS', 'Nothing can be written there'],
  ['ENOSPC', 'The disk is full'],
])

function describeFault(error: Error): string {
  const { code, path } = error as NodeJS.ErrnoException
  const fault = FAULTS.get(code)
  return fault === undefined ? error.message : `${fault}: ${path ?? ''} (${code})`
}

function causeOf({ cause }: Error): string {
  return cause instanceof Error ? cause.message : String(cause)
}
