import { enableCompileCache } from 'node:module'
import { format } from 'node:util'
import type { App } from './app.ts'
import { ConfigError, loadConfig, SETTINGS } from './config.ts'
import { StartError } from './errors.ts'
import { createLog, type Log } from './log.ts'
import { readStartArguments, USAGE } from './start-arguments.ts'
import { findUnknownSettings } from './unknown-settings.ts'

/** How long what is left may hold the process once all is closed: a system call that never returns, for instance. */
const END_AFTER_MS = 1_000

/** Ctrl+C goes to npm too, which passes it on: what comes so soon is the same signal. */
const SAME_SIGNAL_MS = 1_000

const CONSOLE = [
  ['debug', 'debug'],
  ['log', 'info'],
  ['info', 'info'],
  ['warn', 'warn'],
  ['error', 'error'],
] as const

let log = createLog()
let app: App | undefined
let isStopping = false
let signalledAt = 0

process.on('SIGINT', stop)
process.on('SIGTERM', stop)
const wish = readStartArguments(process.argv.slice(2))
if (wish.type === 'START') await main()
else if (wish.type === 'HELP') process.stdout.write(`${USAGE}\n`)
else refuse(wish.fault)

/** Starts the program, and stops it on a signal, also while it starts; a later second one ends it at once. */
async function main(): Promise<void> {
  try {
    const config = loadConfig(process.env)
    log = createLog(config.logLevel)
    logWhatLibrariesWrite()
    for (const { name, nearest, message } of findUnknownSettings(process.env, SETTINGS)) {
      log.warn({ name, nearest }, message)
    }
    // Compiled code is kept between starts: with it loading the program takes two thirds of the time.
    enableCompileCache()
    const { createApp } = await import('./app.ts')
    if (isStopping) return
    app = createApp(config, log)
    const url = await app.start()
    if (!isStopping) log.info({ url }, config.introspection ? `ready: open ${url}/graphql in a browser` : 'ready')
  } catch (error) {
    if (!isStopping) fail(error)
  }
}

function stop(signal: NodeJS.Signals): void {
  if (isStopping) {
    if (performance.now() - signalledAt > SAME_SIGNAL_MS) process.exit(1)
    return
  }
  isStopping = true
  signalledAt = performance.now()
  log.info({ signal }, 'stopping')
  Promise.resolve(app?.stop()).then(() => {
    log.info('stopped')
    endSoon()
  }, fail)
}

/** What people can put right is written without a stack. */
function fail(error: unknown): void {
  if (error instanceof ConfigError || error instanceof StartError) process.stderr.write(`${error.message}\n`)
  else log.error({ err: error }, 'failed')
  process.exitCode = 1
  endSoon()
}

/** The command line cannot be used: as the other commands end then. */
function refuse(text: string): void {
  process.stderr.write(`${text}\n`)
  process.exitCode = 2
}

function endSoon(): void {
  setTimeout(() => process.exit(), END_AFTER_MS).unref()
}

/** Every line is an entry of the log, whoever writes it. */
function logWhatLibrariesWrite(): void {
  process.removeAllListeners('warning').on('warning', (warning) => log.warn({ err: warning }, 'warning'))
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, 'failed')
    process.exit(1)
  })
  for (const [method, level] of CONSOLE) console[method] = (...values: unknown[]) => write(level, values)
}

function write(level: keyof Log, values: unknown[]): void {
  const [err] = values.filter((value) => value instanceof Error)
  const text = format(...values.filter((value) => !(value instanceof Error)))
  log[level]({ ...(err !== undefined && { err }) }, text === '' ? 'from a library' : text)
}
