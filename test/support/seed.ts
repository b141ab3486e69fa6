/** The seed that a variable of the environment names, to run a failure again; else another one each time. */
export function readSeed(variable: string): number {
  return Number(process.env[variable] ?? Math.floor(Math.random() * 1e9))
}
