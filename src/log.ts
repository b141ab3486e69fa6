import { type Logger, pino, stdTimeFunctions } from 'pino'

/** Writes one JSON line an entry; an error goes in as `err`, with its cause. It never gets the content of messages. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** The log on the standard output, or what is worth a warning on the standard error. */
export function createLog(kept: 'info' | 'warn' = 'info'): Log {
  const options = {
    level: kept,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  }
  return pino(options, pino.destination(kept === 'info' ? 1 : 2))
}
