import { SingleBar } from 'cli-progress'

/** Shows how far a command is: a bar on a terminal, else a line every few seconds. */
export interface Progress {
  /** `done` counts towards the total; the other numbers stand in the format's `{name}` places. */
  update(done: number, numbers: object): void
  stop(): void
}

const LINE_EVERY_MS = 5_000
/** Leaves room for the numbers on a line of 80. */
const BAR_LENGTH = 16

/** Begins to show, if anywhere; `total` may be 0 where it is not known, and the format has no bar then. */
export function startProgress(
  stream: NodeJS.WriteStream | undefined,
  format: string,
  total: number,
  numbers: object,
): Progress {
  if (stream === undefined) return { update() {}, stop() {} }
  const bar = new SingleBar({
    stream,
    format: stream.isTTY ? format : format.replace('{bar} ', ''),
    barsize: BAR_LENGTH,
    // The bar turns wrapping off, and an interrupt would leave the terminal so.
    linewrap: true,
    noTTYOutput: true,
    notTTYSchedule: LINE_EVERY_MS,
  })
  bar.start(total, 0, numbers)
  return { update, stop }

  function update(done: number, current: object): void {
    bar.update(done, { ...current })
  }

  function stop(): void {
    bar.stop()
  }
}

/** So many of something, as people write it. */
export function countOf(value: number, name: string): string {
  return `${groupDigits(value)} ${name}${value === 1 ? '' : 's'}`
}

/** A number with its thousands apart. */
export function groupDigits(value: number): string {
  return value.toLocaleString('en')
}
