import { join } from 'node:path'
import { ensureVenv } from './python-venv.ts'

const version = '0.7.0b3'

/** SecantusDB speaks MongoDB's protocol over WiredTiger: a beta, used as a separate process and only for tests. */
export const secantusdbName = `secantusdb ${version}`

/** The server's program, installed from PyPI into a virtualenv of the repository's cache if it is not there yet. */
export async function findSecantusdb(): Promise<string> {
  const programs = await ensureVenv({
    name: `secantusdb-${version}`,
    pip: [`secantusdb==${version}`],
    advice:
      'The tests need MongoDB: install mongod on the PATH, start Docker, or install Python 3.10+ with its venv module.',
  })
  return join(programs, 'secantusd-py')
}
