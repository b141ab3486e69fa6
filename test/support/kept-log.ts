import type { Log } from '../../src/log.ts'

/** A log that keeps what it is told, for tests to look at. */
export function createKeptLog(): Log & { entries: { level: string; fields: unknown; message: unknown }[] } {
  const entries: { level: string; fields: unknown; message: unknown }[] = []
  const keep = (level: string) => (fields: unknown, message?: unknown) => {
    entries.push({ level, fields, message })
  }
  return { entries, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') }
}
