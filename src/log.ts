import { type Logger, pino, stdTimeFunctions } from 'pino'
import { logError } from './log-error.ts'

/** Writes one JSON line an entry; an error goes in as `err`, with its cause. It never gets the content of messages. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** From which level on entries are written. */
export type LogLevel = (typeof LOG_LEVELS)[number]

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** The log on the standard output, or on another file descriptor. */
export function createLog(level: LogLevel = 'info', descriptor = 1): Log {
  const options = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (error: unknown) => logError(error) },
  }
  return pino(options, pino.destination(descriptor))
}
