import { type Logger, pino, stdTimeFunctions } from 'pino'

/** Writes one JSON line an entry; an error goes in as `err`, with its cause. Never given content of messages. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** The log on the standard output. */
export function createLog(): Log {
  return pino({
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (level) => ({ level }) },
  })
}
