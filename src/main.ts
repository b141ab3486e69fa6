import { enableCompileCache } from 'node:module'
import { ConfigError, loadConfig } from './config.ts'
import { StartError } from './errors.ts'
import { createLog } from './log.ts'

const log = createLog()

await main()

/** Starts the program, and stops it on a signal; a second signal ends it at once. */
async function main(): Promise<void> {
  try {
    // Compiled code is kept between starts: with it loading the program takes two thirds of the time.
    enableCompileCache()
    const { createApp } = await import('./app.ts')
    const app = createApp(loadConfig(process.env), log)
    let isStopping = false
    const stop = (signal: NodeJS.Signals) => {
      if (isStopping) process.exit(1)
      isStopping = true
      log.info({ signal }, 'stopping')
      app.stop().then(() => log.info('stopped'), fail)
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
    const url = await app.start()
    log.info({ url }, `ready: open ${url}/graphql in a browser`)
  } catch (error) {
    fail(error)
  }
}

/** What people can put right is told without a stack. */
function fail(error: unknown): void {
  if (error instanceof ConfigError || error instanceof StartError) process.stderr.write(`${error.message}\n`)
  else log.error({ err: error }, 'failed')
  process.exitCode = 1
}
